import { jetstreamManager, type JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RetryBudget } from "#shared/async/retry-budget.ts";
import { connectAs } from "#test/support/connect-as.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import type { PublishedEvent } from "../events/published-event.ts";
import type { EventLog } from "../publish-events.ts";
import { createEventLog } from "./event-log.ts";
import { freeze, thaw } from "#test/support/freeze.ts";

let server: NatsServer;
let manager: JetStreamManager;
let nats: NatsConnection;
let log: EventLog;

beforeAll(async () => {
  server = await startNats();
  manager = await jetstreamManager(await connectAs(server, "policy"), { checkAPI: false });
  nats = await connectAs(server, "publish");
  log = createEventLog({ nats, retries: new RetryBudget(), timeoutMs: 20_000, now: () => performance.now() });
  await makeLog("acme", true);
  await makeLog("single", false);
});
afterAll(async () => {
  await nats.close();
  await server[Symbol.asyncDispose]();
});

const makeLog = (tenant: string, allow_atomic: boolean) =>
  manager.streams.add({ name: `EVENTS_${tenant}`, subjects: [`events.${tenant}.>`], allow_atomic, allow_direct: true });

const eventOf = (id: string, payload = id): PublishedEvent => ({
  id,
  topic: `order.created.${id}`,
  type: "order.created",
  payload: Buffer.from(payload),
  attributes: { id, region: "eu" },
  traceparent: undefined,
});

const stateOf = async (tenant: string) => (await manager.streams.info(`EVENTS_${tenant}`)).state;
const NEW = { isDuplicate: false };
const AGAIN = { isDuplicate: true };

describe.each(["acme", "single"])("the log %s", (tenant) => {
  test("stores an event once, with its attributes as headers, and says when it has it already", async () => {
    expect(await log.append(tenant, "ann", [eventOf("a")])).toEqual([NEW]);
    expect(await log.append(tenant, "ann", [eventOf("a")])).toEqual([AGAIN]);
    expect(await log.append(tenant, "bob", [eventOf("a")])).toEqual([NEW]);
    const stored = await manager.streams.getMessage(`EVENTS_${tenant}`, { seq: 1 });
    expect([stored?.subject, stored?.string()]).toEqual([`events.${tenant}.order.created.a`, "a"]);
    expect([stored?.header?.get("ce-region"), stored?.header?.get("ce-id")]).toEqual(["eu", "a"]);
    expect((await stateOf(tenant)).messages).toBe(2);
  });

  test("stores a batch in its order, and again what of it is new", async () => {
    const before = (await stateOf(tenant)).last_seq;
    const batch = Array.from({ length: 100 }, (_, place) => eventOf(`b${place}`));
    expect(await log.append(tenant, "ann", batch)).toEqual(batch.map(() => NEW));
    const subjects = await Promise.all(
      batch.map(async (_, place) => {
        return (await manager.streams.getMessage(`EVENTS_${tenant}`, { seq: before + 1 + place }))?.subject;
      }),
    );
    expect(subjects).toEqual(batch.map(({ topic }) => `events.${tenant}.${topic}`));
    expect(await log.append(tenant, "ann", batch)).toEqual(batch.map(() => AGAIN));
    expect(await log.append(tenant, "ann", [eventOf("b0"), eventOf("c"), eventOf("b1")])).toEqual([AGAIN, NEW, AGAIN]);
    expect((await stateOf(tenant)).last_seq).toBe(before + 101);
  });
});

test("a batch that holds an event of before is stored in its order, even where a message is lost on its way", async () => {
  const lost = new Set<string>();
  const request: NatsConnection["request"] = (subject, payload, options) => {
    const isLost = subject.endsWith(".next-1") && !options?.headers?.has("Nats-Batch-Id") && lost.size === 0;
    if (isLost) lost.add(subject);
    return isLost ? Promise.reject(new Error("nobody answers")) : nats.request(subject, payload, options);
  };
  const lossy = new Proxy(nats, {
    get: (target, name) => {
      const value: unknown = name === "request" ? request : Reflect.get(target, name);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
  const there = createEventLog({
    nats: lossy,
    retries: new RetryBudget(),
    timeoutMs: 20_000,
    now: () => performance.now(),
  });
  await log.append("acme", "ann", [eventOf("before")]);
  const { last_seq: before } = await stateOf("acme");
  const batch = ["next-1", "before", "next-2", "next-3"].map((id) => eventOf(id));
  expect(await there.append("acme", "ann", batch)).toEqual([NEW, AGAIN, NEW, NEW]);
  expect(lost.size).toBe(1);
  const stored = [1, 2, 3].map((place) => manager.streams.getMessage("EVENTS_acme", { seq: before + place }));
  expect((await Promise.all(stored)).map((message) => message?.string())).toEqual(["next-1", "next-2", "next-3"]);
});

test("batches that are sent at once do not mix", async () => {
  const batches = Array.from({ length: 40 }, (_, batch) =>
    Array.from({ length: 5 }, (_each, place) => eventOf(`m${batch}-${place}`)),
  );
  const stored = await Promise.all(batches.map((batch) => log.append("acme", "ann", batch)));
  expect(stored.flat()).toEqual(Array.from({ length: 200 }, () => NEW));
});

test("an event that the bus has no room for is refused before anything is sent", async () => {
  const { last_seq: before } = await stateOf("acme");
  const large = eventOf("large", "x".repeat(1024 * 1024));
  await expect(log.append("acme", "ann", [eventOf("small"), large])).rejects.toMatchObject({ code: "limit_exceeded" });
  const longest = eventOf("longest", "x".repeat(1024 * 1024 - 1_024));
  expect(await log.append("acme", "ann", [longest])).toEqual([NEW]);
  expect((await stateOf("acme")).last_seq).toBe(before + 1);
});

test("a tenant that has no log gets nothing stored, and is told so", async () => {
  const refused = { code: "unavailable", message: expect.stringContaining("nothing was stored") as string };
  await expect(log.append("nobody", "ann", [eventOf("a")])).rejects.toMatchObject(refused);
  await expect(log.append("nobody", "ann", [eventOf("a"), eventOf("b")])).rejects.toMatchObject(refused);
});

test("an acknowledgement of another stream counts as none", async () => {
  await manager.streams.add({ name: "THIEF", subjects: ["events.stolen.>"], allow_atomic: true });
  await expect(log.append("stolen", "ann", [eventOf("a")])).rejects.toMatchObject({ code: "unavailable" });
  await expect(log.append("stolen", "ann", [eventOf("b"), eventOf("c")])).rejects.toMatchObject({
    code: "unavailable",
  });
});

test("a bus that says nothing leaves it open whether the event is stored, and it is stored once", async () => {
  const hurried = createEventLog({ nats, retries: new RetryBudget(), timeoutMs: 200, now: () => performance.now() });
  await freeze(server);
  const lost = hurried.append("acme", "ann", [eventOf("lost")]);
  await expect(lost).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringContaining("with the same ids") as string,
  });
  thaw(server);
  expect(await log.append("acme", "ann", [eventOf("lost")])).toEqual([AGAIN]);
});
