import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EventCounter, openEventCounter } from "#test/support/event-counter.ts";
import { freeze, thaw } from "#test/support/freeze.ts";
import { freePort } from "#test/support/ports.ts";
import { random } from "#test/support/random.ts";
import { type SlowProxy, startSlowProxy } from "#test/support/slow-proxy.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { type TenantStack, startTenants } from "#test/support/start-tenants.ts";
import { waitFor } from "#test/support/wait.ts";
import { amountOf, timeoutOf } from "../soak/amount.ts";

/** How a role is taken away and given back: one person's over HTTP, or that of several with one change of the document. */
type Way = "person" | "binding" | "group" | "rule";

interface Plan {
  readonly id: string;
  readonly way: Way;
  readonly rounds: number;
  /** Who loses the role and gets it back, round by round. */
  readonly others: readonly string[];
}

/** What all rounds together came to. A removal is one person's loss of a role, followed by one secret. */
interface Counts {
  removals: number;
  /** Secrets that came to somebody who had lost the role before they were published. */
  leaked: number;
  /** Events that did not come, or came twice, to somebody who had been given the role before they were published. */
  missed: number;
  /** Secrets that came to somebody who kept the role, on either edge: what could have leaked was on its way. */
  seenByKeepers: number;
  /** Streams that did not last. */
  ended: number;
}

const people = (count: number): string[] => Array.from({ length: count }, (_, index) => `p${index}`);
const plansOf = (way: Way, tenants: number, rounds: number, others: readonly string[]): Plan[] =>
  Array.from({ length: tenants }, (_, index) => ({ id: `${way}${index}`, way, rounds, others }));

const REMOVALS = amountOf("new-enemy", 1_000);
/** So many rounds for every ten thousand removals. */
const roundsOf = (rounds: number): number => Math.ceil((rounds * REMOVALS) / 10_000);

const plans = [
  ...plansOf("person", 25, roundsOf(60), people(1)),
  ...plansOf("binding", 6, roundsOf(50), people(10)),
  ...plansOf("group", 5, roundsOf(50), people(10)),
  ...plansOf("rule", 6, roundsOf(50), people(10)),
];
const removals = sum(plans.map(({ rounds, others }) => rounds * others.length));
const secrets = sum(plans.map(({ rounds }) => rounds));

/** Removals from one disturbance to the next: each kind of them comes at least once. */
const DISTURBED_EVERY = 400;

/** An edge may stand still for 2 s and a broker be away as long; nothing takes this long that is still on its way. */
const PATIENCE_MS = 60_000;

let proxy: SlowProxy;
let services: TenantStack;
let edges: readonly [RunningService, RunningService];
let slownessMs = 0;

beforeAll(async () => {
  const grpc = await freePort();
  proxy = await startSlowProxy(grpc, () => random() * slownessMs);
  services = await startTenants(
    plans.map((plan) => ({
      id: plan.id,
      document: documentOf(plan, true),
      people: ["keeper", ...plan.others],
      groups: ["everybody"],
    })),
    { policy: { POLICY_GRPC_PORT: String(grpc) }, stream: { POLICY_GRPC_URL: `127.0.0.1:${proxy.port}` } },
  );
  edges = [services.stack.edge, await services.stack.startEdge()];
});
afterAll(async () => {
  await services?.[Symbol.asyncDispose]();
  await proxy?.[Symbol.asyncDispose]();
});

test(
  "what is published after a role was taken away reaches nobody who lost it, and all once it is back: policy slow, edges stopped, broker killed",
  async () => {
    const counts: Counts = { removals: 0, leaked: 0, missed: 0, seenByKeepers: 0, ended: 0 };
    await using opened = new AsyncDisposableStack();
    // All before the first round: what is disturbed are streams, and not handshakes.
    const audiences = await Promise.all(plans.map((plan) => openStreams(plan, opened)));
    const running = Promise.all(audiences.map((audience) => runRounds(audience, counts)));
    await Promise.all([running, disturb(running, counts)]);
    expect(removals).toBeGreaterThanOrEqual(REMOVALS);
    expect(counts).toEqual({ removals, leaked: 0, missed: 0, seenByKeepers: secrets * edges.length, ended: 0 });
  },
  timeoutOf(300_000),
);

/** The streams of a tenant's people, on both edges. */
interface Audience {
  readonly plan: Plan;
  readonly keepers: readonly EventCounter[];
  readonly others: readonly EventCounter[];
}

async function openStreams(plan: Plan, opened: AsyncDisposableStack): Promise<Audience> {
  const openOnBoth = async (person: string): Promise<EventCounter[]> => {
    const token = await services.sign(plan.id, person);
    return Promise.all(edges.map(async (edge) => opened.use(await openEventCounter(urlOf(edge), token))));
  };
  const keepers = await openOnBoth("keeper");
  return { plan, keepers, others: (await Promise.all(plan.others.map(openOnBoth))).flat() };
}

async function runRounds({ plan, keepers, others }: Audience, counts: Counts): Promise<void> {
  const { id, rounds } = plan;
  const allHear = async (text: string): Promise<void> => {
    // What has not come by then is counted as missed.
    const patience = new AbortController();
    const seen = Promise.all(others.map((stream) => stream.seen(text)));
    await Promise.race([seen, delay(PATIENCE_MS, undefined, { signal: patience.signal }).catch(() => {})]);
    patience.abort();
  };

  for (let round = 0; round < rounds; round += 1) {
    await setRole(plan, false);
    await services.publish(id, "secret.told.p0", `secret ${round}`);
    await services.publish(id, "open.past.x", `past ${round}`);
    // Whether somebody may see an event is judged when it is delivered: both edges must be past it before the role is back.
    await allHear(`past ${round}`);
    await setRole(plan, true);
    await services.publish(id, "secret.told.p0", `allowed ${round}`);
    await allHear(`allowed ${round}`);
    counts.removals += plan.others.length;
  }
  await Promise.all(keepers.map((stream) => stream.seen(`allowed ${rounds - 1}`)));
  for (let round = 0; round < rounds; round += 1) {
    counts.leaked += sum(others.map((stream) => stream.count(`secret ${round}`)));
    counts.missed += sum(others.map((stream) => Math.abs(1 - stream.count(`allowed ${round}`))));
    counts.seenByKeepers += sum(keepers.map((stream) => stream.count(`secret ${round}`)));
  }
  counts.ended += [...keepers, ...others].filter(({ isClosed }) => isClosed).length;
}

function urlOf(edge: RunningService): string {
  return `http://127.0.0.1:${edge.ports.http}/v1/stream?topic=secret.>&topic=open.>`;
}

/** Takes the role away or gives it back; acknowledged when it returns. */
async function setRole(plan: Plan, given: boolean): Promise<void> {
  if (plan.way !== "person") return services.change("PUT", `${plan.id}/policy`, documentOf(plan, given));
  const roles = JSON.stringify({ roles: given ? ["reader", "holder"] : ["reader"] });
  await services.change("PUT", `${plan.id}/subjects/p0/roles`, roles);
}

function documentOf({ id, way, others }: Plan, given: boolean): string {
  const holders = way === "group" ? ["group:everybody"] : others;
  return JSON.stringify({
    tenant: id,
    roles: {
      reader: { allow: ["open:read"] },
      // One person's right is limited to topics with their name: each grant has its residual then.
      holder: { allow: way === "rule" && !given ? [] : [way === "person" ? "secret:read@secret.*.{sub}" : "secret:*"] },
      keeper: { allow: ["*:*"] },
    },
    bindings: [
      { role: "reader", subjects: others },
      { role: "keeper", subjects: ["keeper"] },
      { role: "holder", subjects: given || way === "rule" ? holders : [] },
    ],
    events: { "open.*": "open:read", "secret.*": "secret:read" },
  });
}

/** Until the rounds are over: answers of policy that take longer and longer, an edge that stands still, a broker that is killed. */
async function disturb(running: Promise<unknown>, counts: Counts): Promise<void> {
  const over = new AbortController();
  void running.finally(() => over.abort()).catch(() => {});
  for (let turn = 0; !over.signal.aborted; turn += 1) {
    slownessMs = [5, 50, 300][turn % 3] ?? 0;
    const next = (turn + 1) * DISTURBED_EVERY;
    await waitFor("the next disturbance", () => over.signal.aborted || counts.removals >= next, 300_000);
    slownessMs = 5;
    const disturbance = DISTURBANCES[turn % DISTURBANCES.length];
    await disturbance?.();
  }
}

const DISTURBANCES = [() => standStill(edges[1]), () => killBroker(), () => standStill(edges[0])];

async function standStill({ child }: RunningService): Promise<void> {
  await freeze(child.process);
  await delay(2_000);
  thaw(child.process);
}

async function killBroker(): Promise<void> {
  await services.stack.nats.stop("SIGKILL");
  await services.stack.nats.start();
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, number) => all + number, 0);
}
