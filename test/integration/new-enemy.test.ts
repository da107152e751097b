import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EventCounter, openEventCounter } from "#test/support/event-counter.ts";
import { freePort } from "#test/support/ports.ts";
import { type SlowProxy, startSlowProxy } from "#test/support/slow-proxy.ts";
import { type TenantStack, startTenants } from "#test/support/start-tenants.ts";
import type { RunningService } from "#test/support/start-service.ts";

const TENANTS = 50;
const ROUNDS = Number(process.env.ROUNDS ?? 200);

/** How the person's role is taken away and given back: it differs from tenant to tenant. */
const WAYS = ["binding over HTTP", "binding in the document", "group", "rule of the role"] as const;
type Way = (typeof WAYS)[number];

interface Counts {
  rounds: number;
  /** Secrets that somebody got who had lost the role before they were published. */
  leaked: number;
  /** Events that did not come, or came twice, to somebody who had been given the role before they were published. */
  missed: number;
  /** Secrets that came to somebody who kept the role: what could have leaked was on its way. */
  seenByHolder: number;
  /** Streams that did not last. */
  ended: number;
}

const tenants = Array.from({ length: TENANTS }, (_, index) => ({
  id: `t${index}`,
  way: WAYS[index % 4 === 3 ? 3 : index % 8 === 5 ? 1 : index % 8 === 6 ? 2 : 0] ?? WAYS[0],
}));

let proxy: SlowProxy;
let services: TenantStack;
let edges: readonly [RunningService, RunningService];
let slowness = 0;

beforeAll(async () => {
  const grpc = await freePort();
  proxy = await startSlowProxy(grpc, () => Math.random() * slowness);
  services = await startTenants(
    tenants.map(({ id }) => ({ id, document: documentOf(id, true), people: ["keeper", "other"] })),
    { policy: { POLICY_GRPC_PORT: String(grpc) }, stream: { POLICY_GRPC_URL: `127.0.0.1:${proxy.port}` } },
  );
  edges = [services.stack.edge, await services.stack.startEdge()];
});
afterAll(async () => {
  await services?.[Symbol.asyncDispose]();
  await proxy?.[Symbol.asyncDispose]();
});

test("a secret that is published after a role was taken away reaches nobody who lost it; an event after it was given back reaches all", async () => {
  const counts: Counts = { rounds: 0, leaked: 0, missed: 0, seenByHolder: 0, ended: 0 };
  const begin = performance.now();
  const running = Promise.all(tenants.map((tenant) => runTenant(tenant, counts)));
  await Promise.all([running, disturb(running)]);
  const total = TENANTS * ROUNDS;
  console.log(JSON.stringify(counts), performance.now() - begin);
  expect(counts).toEqual({ rounds: total, leaked: 0, missed: 0, seenByHolder: 2 * total, ended: 0 });
}, 150_000);

async function runTenant({ id, way }: (typeof tenants)[number], counts: Counts): Promise<void> {
  await using streams = new AsyncDisposableStack();
  const open = (edge: RunningService, token: string): Promise<EventCounter> =>
    openEventCounter(`http://127.0.0.1:${edge.ports.http}/v1/stream?topic=secret.>&topic=open.>`, token);
  const [keeper, other] = await Promise.all([services.sign(id, "keeper"), services.sign(id, "other")]);
  const keepers = await Promise.all(edges.map(async (edge) => streams.use(await open(edge, keeper))));
  const others = await Promise.all(edges.map(async (edge) => streams.use(await open(edge, other))));
  const hear = (text: string): Promise<unknown> => Promise.all(others.map((stream) => stream.heard(text)));

  for (let round = 0; round < ROUNDS; round += 1) {
    await setRole(id, way, false);
    await services.publish(id, "secret.told.other", `secret ${round}`);
    await services.publish(id, "open.past.x", `past ${round}`);
    // Whether somebody may see an event is judged when it is delivered: the edges must be past it before the role comes back.
    await hear(`past ${round}`);
    await setRole(id, way, true);
    await services.publish(id, "secret.told.other", `allowed ${round}`);
    await hear(`allowed ${round}`);
    counts.rounds += 1;
  }
  await Promise.all(keepers.map((stream) => stream.heard(`allowed ${ROUNDS - 1}`)));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const stream of others) counts.leaked += stream.count(`secret ${round}`);
    for (const stream of others) counts.missed += Math.abs(1 - stream.count(`allowed ${round}`));
    for (const stream of keepers) counts.seenByHolder += stream.count(`secret ${round}`);
  }
  counts.ended += [...keepers, ...others].filter(({ isClosed }) => isClosed).length;
}

/** Acknowledged when it returns. */
async function setRole(tenant: string, way: Way, given: boolean): Promise<void> {
  if (way !== "binding over HTTP") return services.change("PUT", `${tenant}/policy`, documentOf(tenant, given, way));
  const roles = given ? ["reader", "holder"] : ["reader"];
  await services.change("PUT", `${tenant}/subjects/other/roles`, JSON.stringify({ roles }));
}

function documentOf(tenant: string, given: boolean, way: Way = "binding in the document"): string {
  const isBound = given || way === "rule of the role";
  return JSON.stringify({
    tenant,
    roles: {
      reader: { allow: ["open:read"] },
      holder: { allow: [given || way !== "rule of the role" ? "secret:read@secret.*.{sub}" : "secret:write"] },
      all: { allow: ["*:*"] },
    },
    bindings: [
      { role: "reader", subjects: ["other"] },
      { role: "all", subjects: ["keeper"] },
      { role: "holder", subjects: isBound ? ["other"] : [] },
    ],
    events: { "open.*": "open:read", "secret.*": "secret:read" },
  });
}

/** Goes on until the rounds are over: slow answers of policy, an edge that stands still, a broker that is killed. */
async function disturb(running: Promise<unknown>): Promise<void> {
  let over = false;
  void running.finally(() => (over = true)).catch(() => {});
  for (let turn = 0; !over; turn += 1) {
    slowness = [0, 20, 200][turn % 3] ?? 0;
    await Promise.race([running, delay(3_000)]);
    if (turn % 6 === 2) await standStill(edges[turn % 12 === 2 ? 1 : 0]);
    if (turn % 6 === 5) await killBroker();
  }
}

async function standStill({ child }: RunningService): Promise<void> {
  child.process.kill("SIGSTOP");
  await delay(2_000);
  child.process.kill("SIGCONT");
}

async function killBroker(): Promise<void> {
  await services.stack.nats.stop("SIGKILL");
  await services.stack.nats.start();
}
