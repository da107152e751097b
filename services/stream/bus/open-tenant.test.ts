import { jetstreamManager, type JetStreamManager } from "@nats-io/jetstream";
import { RetryBudget } from "#shared/async/retry-budget.ts";
import { silentObserver } from "#test/rigs/silent-observer.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AppError } from "#shared/errors/app-error.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { connectService } from "#test/support/connect-service.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import type { Decider } from "../access/ports.ts";
import { UNKNOWN_LIMITS } from "../admission/tenant-limits.ts";
import { TailBudget } from "../log/tail.ts";
import { Turns } from "../turns/turns.ts";
import { openTenants } from "./open-tenant.ts";
import { type Bus, openPacedBus } from "./paced-bus.ts";

const stack = new AsyncDisposableStack();
let nats: NatsServer;
let bus: Bus;
let manager: JetStreamManager;

beforeAll(async () => {
  nats = stack.use(await startNats());
  bus = stack.use(await openPacedBus(await connect("stream")));
  manager = await jetstreamManager(await connect("policy"));
});
afterAll(() => stack[Symbol.asyncDispose]());

test.each([
  ["knows the tenant", undefined, "unavailable"],
  ["does not answer", new AppError("unavailable", "no answer"), "unavailable"],
  ["does not know the tenant", new AppError("tenant_unknown", "there is no such tenant"), "tenant_unknown"],
  ["has suspended the tenant", new AppError("tenant_suspended", "closed"), "tenant_suspended"],
] as const)("where a log is missing and policy %s, the refusal is %o: %s", async (_, answer, code) => {
  await expect(openWith(answer).open("missing")).rejects.toMatchObject({ code });
});

test("a log with a setting that hides events is refused; users are told no names, operators are told once", async () => {
  await manager.streams.add({
    name: "EVENTS_hidden",
    subjects: ["events.hidden.>", "control.hidden.>"],
    subject_transform: { src: "events.hidden.>", dest: "elsewhere.>" },
    allow_direct: true,
    deny_delete: true,
    metadata: { sluice_epoch: "aaaaaaaaaaaa" },
  });
  const { open, lines } = openWith(undefined);
  for (let attempt = 0; attempt < 3; attempt += 1) {
    await expect(open("hidden")).rejects.toMatchObject({
      code: "unavailable",
      message: "this tenant's log cannot be read right now",
    });
  }
  expect(lines).toEqual([{ tenant: "hidden", reason: expect.stringMatching(/EVENTS_hidden.*subject_transform/) }]);
});

async function connect(user: "stream" | "policy") {
  const connection = await connectService(nats.url(user));
  stack.defer(() => connection.close());
  return connection;
}

/** Opens tenants; policy throws `answer` to every question, if it is given. */
function openWith(answer: AppError | undefined) {
  const lines: object[] = [];
  const log = { warn: (line: object) => void lines.push(line) } as unknown as Logger;
  const decider = {
    resolve: async () => {
      if (answer !== undefined) throw answer;
      return {
        version: { number: 1, build: "b" },
        grant: { id: "g", roles: [] },
        eventMap: [],
        limits: UNKNOWN_LIMITS,
      };
    },
  } as unknown as Decider;
  const now = (): number => 0;
  const open = openTenants({
    bus,
    seat: { seat: undefined },
    mirrors: { watch: () => ({ [Symbol.dispose]: () => undefined }) },
    decider,
    log,
    maxEventBytes: 1_000,
    observer: silentObserver(),
    checkClock: () => {},
    now,
    wall: now,
    flushMs: 0,
    turns: new Turns({ now, checkClock: () => {} }),
    leastFlushMs: () => 0,
    tailBudget: new TailBudget(1e6),
    verifying: {
      sessions: { check: () => Promise.reject(new Error("not asked")) },
      retries: new RetryBudget(),
      now,
      checkClock: () => {},
      observer: silentObserver(),
    },
  });
  return { open, lines };
}
