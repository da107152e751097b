import { setTimeout as delay } from "node:timers/promises";
import { residentKiB, threadMicros } from "../../bench/account.ts";
import { COLLECTABLE } from "../../bench/collect-heap.ts";
import { streamRequest } from "../../bench/load.ts";
import { heldKiB } from "../../bench/memory-by-road.ts";
import type { Programs } from "../../bench/programs.ts";
import { openReaders } from "../../bench/readers.ts";
import { startTenants, type TenantPlan } from "#test/support/start-tenants.ts";
import type { Slopes } from "../slopes.ts";

/** What a tenant costs whose log is read, and its log alone. */
export type TenantSlopes = Pick<Slopes["edge"], "feedMicros" | "feedKiB"> &
  Pick<Slopes["broker"], "consumerMicros" | "consumerKiB" | "logKiB">;

const PERSON = "bob";

/** The first one has listeners all the time: what an edge and a broker compile and hold once is no tenant's share. */
const FIRST = "first";

/** JetStream sets a log's size aside: a small disk has room for all of these. */
const SMALL_LOG_BYTES = 2 ** 20;

/** Tenants are made so many at a time. */
const AT_A_TIME = 10;

/** Measures what tenants cost an edge and a broker: their logs, then the consumers and feeds of one listener each. */
export async function measureTenants(programs: Programs, isQuick: boolean): Promise<TenantSlopes> {
  const [tenants, windowMs] = isQuick ? [30, 3_000] : [150, 10_000];
  const names = Array.from({ length: tenants }, (_, index) => `tenant${index}`);
  const later = names.map((name) => ({ ...planOf(name), isMadeLater: true }) as const);
  await using started = await startTenants([planOf(FIRST), ...later], {
    stream: { ...COLLECTABLE, STREAM_HANDSHAKE_MS: "60000" },
    policy: { POLICY_HISTORY_MAX_BYTES: String(SMALL_LOG_BYTES) },
  });
  const { edge, nats } = started.stack;
  const pids = { edge: edge.child.process.pid, broker: nats.pid };
  const open = async (owners: readonly string[]) => {
    const requests = await Promise.all(
      owners.map(async (name) => streamRequest("/v1/stream?topic=push.>", await started.sign(name, PERSON))),
    );
    return openReaders(programs, edge.ports.http, requests, owners.length);
  };
  /** Microseconds in a second. */
  const idle = async (): Promise<{ readonly edge: number; readonly broker: number }> => {
    await delay(1_000);
    const spent = () => Promise.all([threadMicros(pids.edge), threadMicros(pids.broker)]);
    const before = await spent();
    await delay(windowMs);
    const after = await spent();
    const [ofEdge = 0, ofBroker = 0] = after.map((cpu, place) => ((cpu - (before[place] ?? 0)) * 1_000) / windowMs);
    return { edge: ofEdge, broker: ofBroker };
  };
  const resident = async () => ({ edge: await heldKiB(edge), broker: await residentKiB(pids.broker) });
  // As many streams of one tenant: what differs afterwards are the tenants.
  await using _first = await open(Array.from({ length: tenants }, () => FIRST));
  const alone = { resident: await resident(), idle: await idle() };
  for (let first = 0; first < tenants; first += AT_A_TIME) {
    const some = names.slice(first, first + AT_A_TIME);
    await Promise.all(some.map((name) => started.change("PUT", name)));
    await Promise.all(some.map((name) => started.change("PUT", `${name}/policy`, planOf(name).document)));
  }
  const made = { resident: await resident(), idle: await idle() };
  await using _all = await open(names);
  const read = { resident: await resident(), idle: await idle() };
  const each = (more: number): number => Math.max(0, more) / tenants;
  return {
    logKiB: each(made.resident.broker - alone.resident.broker),
    consumerKiB: each(read.resident.broker - made.resident.broker),
    feedKiB: each(read.resident.edge - made.resident.edge),
    consumerMicros: each(read.idle.broker - made.idle.broker),
    feedMicros: each(read.idle.edge - made.idle.edge),
  };
}

function planOf(id: string): TenantPlan {
  const document = {
    tenant: id,
    roles: { reader: { allow: ["push:read"] } },
    bindings: [{ role: "reader", subjects: [PERSON] }],
    events: { "push.*": "push:read" },
  };
  return { id, document: JSON.stringify(document), people: [PERSON] };
}
