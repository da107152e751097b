import { setTimeout as delay } from "node:timers/promises";
import { openEventStream } from "#test/support/event-stream.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { startTenants, type TenantStack } from "#test/support/start-tenants.ts";
import { streamRequest } from "../load.ts";
import { longestStall } from "../longest-stall.ts";
import { openReaders } from "../readers.ts";
import type { Bench, Figure, Scenario } from "../scenario.ts";

const TENANT = "largest";
const PERSON = "alice";

/** How much a policy, and a subscription, ask of the edge. */
interface Size {
  readonly events: number;
  readonly rules: number;
  readonly values: number;
  readonly topics: number;
}

/** Event types, values of an attribute and topics are as many as may be. */
const LARGEST: Size = { events: 1_024, rules: 8, values: 64, topics: 100 };

/** Stands beside it: what a machine that is busy with other things adds is in both. */
const SMALLEST: Size = { events: 1, rules: 1, values: 1, topics: 2 };

/** Streams that one change of their tenant's policy concerns. */
const STREAMS = 10_000;

/** How long the edge's loop stands still at most for what a tenant's policy asks of it. */
export const largestPolicy: Scenario = {
  name: "largest-policy",
  about: `longest stall of the edge by the largest legal policy and subscription, and by a change for ${STREAMS} streams`,
  async run(bench) {
    const plan = { id: TENANT, document: documentOf(SMALLEST, 0), people: [PERSON] };
    await using tenants = await startTenants([plan]);
    return [
      ...(await stallsOf(tenants, "smallest", SMALLEST)),
      ...(await stallsOf(tenants, "largest", LARGEST)),
      ...(await stallsOfMany(tenants, bench)),
    ];
  },
};

/** The stalls by a handshake, and by a change of the policy that concerns its stream. */
async function stallsOf({ stack, sign, change }: TenantStack, name: string, size: Size): Promise<readonly Figure[]> {
  await change("PUT", `${TENANT}/policy`, documentOf(size, 0));
  await using edge = await stack.startEdge();
  // The first handshake of a process also compiles its code.
  await (await open(edge, await sign(TENANT, PERSON), ["e0.x.v0.>"]))[Symbol.asyncDispose]();
  await resetStall(edge);
  const begin = performance.now();
  await using stream = await open(edge, await sign(TENANT, PERSON), topicsOf(size));
  const ready = performance.now() - begin;
  const handshake = await stallAfterwards(edge);
  await resetStall(edge);
  await change("PUT", `${TENANT}/policy`, documentOf(size, 1));
  while (!stream.frames.some(({ event }) => event === "subscription")) await delay(100);
  return [
    { name: `${name}: ready after`, value: ready, unit: "ms" },
    { name: `${name}: longest stall, handshake`, value: handshake, unit: "ms" },
    { name: `${name}: longest stall, change`, value: await stallAfterwards(edge), unit: "ms" },
  ];
}

async function open(edge: RunningService, token: string, topics: readonly string[]) {
  const url = `http://127.0.0.1:${edge.ports.http}/v1/stream?topic=${topics.join("&topic=")}`;
  const stream = await openEventStream(url, { token });
  await stream.frame("ready");
  return stream;
}

async function stallsOfMany({ stack, sign, change }: TenantStack, { programs }: Bench): Promise<readonly Figure[]> {
  await change("PUT", `${TENANT}/policy`, documentOf(SMALLEST, 0));
  await using edge = await stack.startEdge();
  const requests = await Promise.all(
    Array.from({ length: STREAMS }, async (_, index) =>
      streamRequest(`/v1/stream?topic=e0.x.v0.r0&topic=e0.x.own.${index}`, await sign(TENANT, PERSON)),
    ),
  );
  await using readers = await openReaders(programs, edge.ports.http, requests, STREAMS);
  await delay(5_000);
  await resetStall(edge);
  await change("PUT", `${TENANT}/policy`, documentOf(SMALLEST, 1));
  await delay(5_000);
  const stall = await stallAfterwards(edge);
  const { closed } = await readers.received();
  return [
    { name: `a change for ${STREAMS} streams: longest stall`, value: stall, unit: "ms" },
    { name: `a change for ${STREAMS} streams: still open`, value: STREAMS - closed, unit: "" },
  ];
}

/** One of them can be seen. Only its last token tells each of the others from every pattern. */
function topicsOf({ topics }: Size): string[] {
  return ["e0.x.v0.>", ...Array.from({ length: topics - 1 }, (_, index) => `*.*.v${index % 64}.none-${index}`)];
}

/** The second edition also allows what the first denies. */
function documentOf({ events, rules, values }: Size, edition: 0 | 1): string {
  const allow = Array.from({ length: rules }, (_, index) => `*:read@*.*.{a}.r${index}`);
  return JSON.stringify({
    tenant: TENANT,
    roles: { reader: { allow: edition === 0 ? allow : [...allow, "*:read@*.*.v0.none-0"] } },
    bindings: [{ role: "reader", subjects: [PERSON] }],
    attributes: { [PERSON]: { a: Array.from({ length: values }, (_, index) => `v${index}`) } },
    events: Object.fromEntries(Array.from({ length: events }, (_, index) => [`e${index}.x`, `e${index}:read`])),
  });
}

/** Reading it starts it anew. */
async function resetStall(edge: RunningService): Promise<void> {
  await delay(200);
  await longestStall(edge);
}

async function stallAfterwards(edge: RunningService): Promise<number> {
  await delay(1_000);
  return longestStall(edge);
}
