import { flushesPerSecond } from "./flushes.ts";
import type { Slopes } from "./slopes.ts";

/** What a cluster is to carry. Tenants are alike, and their streams are spread evenly over all workers. */
export interface Mix {
  readonly name: string;
  readonly streams: number;
  /** Of all tenants together, published over HTTP one at a time. */
  readonly eventsPerSecond: number;
  readonly tenants: number;
  /** The share of a tenant's streams that an event is for, above 0 and up to 1. These form one audience, and 1 / reach audiences get as many events each. */
  readonly reach: number;
  readonly payloadBytes: number;
  /** How long a stream lives before its client opens the next one, with a new token. */
  readonly lifeSeconds: number;
  /** What JetStream sets aside for each tenant's log (`POLICY_HISTORY_MAX_BYTES`). */
  readonly logMiB: number;
}

/** What one machine of each kind has. */
export interface Machines {
  /** Cores of an edge, each with a worker. */
  readonly edgeCores: number;
  readonly workerMiB: number;
  /** Memory for the latest entries of all logs, of one edge. */
  readonly tailMiB: number;
  /** Streams for which a worker has descriptors. */
  readonly streamsPerWorker: number;
  readonly brokerCores: number;
  readonly brokerMiB: number;
  readonly brokerDiskGiB: number;
  /** The share of a core that may be planned with: the rest is for storms and for the machine that fails. */
  readonly coreShare: number;
  /** The share of memory and of a disk that may be planned with. */
  readonly roomShare: number;
}

/** What a worker's loop does in a second. */
export interface Work {
  /** Events read from logs, for whomever they are. */
  readonly reads: number;
  readonly flushes: number;
  /** Members written to. */
  readonly writes: number;
  /** Events in all these writes. */
  readonly deliveries: number;
  readonly streams: number;
  readonly feeds: number;
  readonly handshakes: number;
}

/** How much of what may be planned with is taken: 1 is all of it. */
export interface Need {
  readonly resource: string;
  readonly share: number;
}

/** How many processes a mix needs. */
export interface Plan {
  readonly edges: number;
  readonly workers: number;
  readonly brokers: number;
  readonly auths: number;
  readonly policies: number;
  readonly publishers: number;
  /** The one nearest to its end first. */
  readonly needs: readonly Need[];
  readonly deliveriesPerSecond: number;
  /** Of all services, brokers and Redis; infinite where nothing is delivered. */
  readonly cpuSecondsPerMillion: number;
}

/** Workers exchange what they count as soon as something has changed, and no more often than that; else they renew their leases. */
const EXCHANGES_PER_SECOND = { most: 2, least: 1 / 3 };

/** More than anybody has: where so many are not enough, more are not either. */
const MOST = { workers: 1 << 20, brokers: 1 << 12 };

/** Where a part of a service is killed, another one is there. */
const LEAST = { edges: 2, brokers: 3, services: 2 };

const MICROS = 1e6;

/** What one of so many workers does. */
export function workOf(slopes: Slopes, mix: Mix, workers: number): Work {
  const [streams, events] = [mix.streams / mix.tenants, mix.eventsPerSecond / mix.tenants];
  const members = streams * mix.reach;
  const feeds = mix.tenants * shareThatMeets(workers, streams);
  const meets = shareThatMeets(workers, members);
  const here = members / workers / meets;
  const perAudience = flushesPerSecond(slopes, { members: here, rate: events * mix.reach });
  const flushes = (mix.tenants / mix.reach) * meets * perAudience;
  return {
    reads: feeds * events,
    flushes,
    writes: flushes * here,
    deliveries: (mix.eventsPerSecond * members) / workers,
    streams: mix.streams / workers,
    feeds,
    handshakes: mix.streams / mix.lifeSeconds / workers,
  };
}

/**
 * The share of its core that a worker's loop takes; above 1 it cannot do all of it. `stretch` is how much longer than its processor time the
 * work takes, on cores that others want.
 */
export function loopShare({ edge }: Slopes, work: Work, stretch = 1): number {
  const share =
    (edge.baseMicros +
      work.reads * edge.eventMicros +
      work.flushes * edge.flushMicros +
      work.writes * edge.writeMicros.sse +
      work.deliveries * edge.deliveryMicros +
      work.streams * edge.streamMicros +
      work.feeds * edge.feedMicros +
      work.handshakes * edge.newTokenMicros) /
    MICROS;
  const wakes = (work.reads * edge.wakeMicros) / MICROS;
  // An event that comes while the loop is busy, or waits for a core, wakes nobody: share + wakes * (1 - stretch * all) = all.
  return stretch * share >= 1 ? share : (share + wakes) / (1 + stretch * wakes);
}

/** What a worker takes of its core, its memory and its descriptors. */
export function workerNeeds(slopes: Slopes, mix: Mix, machines: Machines, workers: number): readonly Need[] {
  const work = workOf(slopes, mix, workers);
  const { baseMiB, streamKiB, feedKiB } = slopes.edge;
  const heldMiB = baseMiB + (work.streams * streamKiB.sse + work.feeds * feedKiB) / 1_024;
  const memory = heldMiB + machines.tailMiB / machines.edgeCores;
  return [
    { resource: "CPU of an edge", share: loopShare(slopes, work) / machines.coreShare },
    { resource: "descriptors of an edge", share: work.streams / machines.streamsPerWorker },
    { resource: "memory of an edge", share: memory / machines.workerMiB / machines.roomShare },
  ];
}

/** What a broker takes of its cores, its memory and its disk, where so many workers read. */
export function brokerNeeds(
  slopes: Slopes,
  mix: Mix,
  machines: Machines,
  { workers, brokers }: { readonly workers: number; readonly brokers: number },
): readonly Need[] {
  const { broker } = slopes;
  const { feeds } = workOf(slopes, mix, workers);
  const copies = Math.min(brokers, 3);
  const held = (workers * feeds * broker.consumerKiB + mix.tenants * copies * broker.logKiB) / 1_024 / brokers;
  const asideGiB = (mix.tenants * mix.logMiB * copies) / 1_024 / brokers;
  const stored = (events: number): number => events / broker.eventsPerSecond / machines.coreShare;
  const micros = brokerMicros(slopes, mix, { workers, brokers }) / brokers;
  return [
    { resource: "CPU of a broker", share: micros / MICROS / machines.brokerCores / machines.coreShare },
    { resource: "syncs of a broker", share: stored((mix.eventsPerSecond * copies) / brokers) },
    { resource: "syncs of one tenant's log", share: stored(mix.eventsPerSecond / mix.tenants) },
    { resource: "memory of a broker", share: held / machines.brokerMiB / machines.roomShare },
    { resource: "disk of a broker", share: asideGiB / machines.brokerDiskGiB / machines.roomShare },
  ];
}

/** What Redis takes of its core: it has one for its commands, of which most are the workers' exchanges of counts. */
export function redisNeed(slopes: Slopes, mix: Mix, machines: Machines, workers: number): Need {
  return { resource: "CPU of Redis", share: redisMicros(slopes, mix, workers) / MICROS / machines.coreShare };
}

/** How many of each a mix needs, and what ends first; what is over whatever their number, where no number of them is enough. */
export function planFor(slopes: Slopes, mix: Mix, machines: Machines): Plan | Need {
  const edgesNeed = (count: number): readonly Need[] => workerNeeds(slopes, mix, machines, count * machines.edgeCores);
  const most = MOST.workers / machines.edgeCores;
  const edges = leastThat(LEAST.edges, most, (count) => isEnough(edgesNeed(count)));
  if (edges === undefined) return nearest(edgesNeed(most));
  const workers = edges * machines.edgeCores;
  const redis = redisNeed(slopes, mix, machines, workers);
  if (redis.share > 1) return redis;
  const brokersNeed = (count: number): readonly Need[] =>
    brokerNeeds(slopes, mix, machines, { workers, brokers: count });
  const brokers = leastThat(LEAST.brokers, MOST.brokers, (count) => isEnough(brokersNeed(count)));
  if (brokers === undefined) return nearest(brokersNeed(MOST.brokers));
  const micros = microsOf(slopes, mix, { workers, brokers });
  const processes = (taken: number): number => Math.max(LEAST.services, Math.ceil(taken / MICROS / machines.coreShare));
  const deliveries = (mix.eventsPerSecond * mix.streams * mix.reach) / mix.tenants;
  const all = Object.values(micros).reduce((sum, each) => sum + each, 0);
  return {
    edges,
    workers,
    brokers,
    auths: processes(micros.auth),
    policies: processes(micros.policy),
    publishers: processes(micros.publish),
    needs: [...edgesNeed(edges), ...brokersNeed(brokers), redis].toSorted((a, b) => b.share - a.share),
    deliveriesPerSecond: deliveries,
    cpuSecondsPerMillion: deliveries === 0 ? Infinity : all / deliveries,
  };
}

/** Of several needs the one that is nearest to its end, or beyond it by the most. */
export function nearest(needs: readonly Need[]): Need {
  return needs.reduce((first, need) => (need.share > first.share ? need : first));
}

function isEnough(needs: readonly Need[]): boolean {
  return needs.every(({ share }) => share <= 1);
}

/** How long a tenant's log reaches back before its oldest events give way to its size, in seconds. */
export function reachBackSeconds({ broker }: Slopes, mix: Mix): number {
  const perSecond = (mix.eventsPerSecond / mix.tenants) * (mix.payloadBytes + broker.overheadBytes);
  return (mix.logMiB * 2 ** 20) / perSecond;
}

/** Microseconds of processor time that each kind of process takes in a second, of all of its kind. */
function microsOf(
  slopes: Slopes,
  mix: Mix,
  fleet: { readonly workers: number; readonly brokers: number },
): Readonly<Record<"edge" | "broker" | "auth" | "policy" | "publish" | "redis", number>> {
  const handshakes = mix.streams / mix.lifeSeconds;
  const { auth, policy, publish } = slopes;
  return {
    edge: fleet.workers * loopShare(slopes, workOf(slopes, mix, fleet.workers)) * MICROS,
    broker: brokerMicros(slopes, mix, fleet),
    auth: handshakes * auth.newTokenMicros,
    policy: handshakes * policy.newTokenMicros,
    publish: mix.eventsPerSecond * publish.eventMicros,
    redis: redisMicros(slopes, mix, fleet.workers),
  };
}

function redisMicros({ redis }: Slopes, mix: Mix, workers: number): number {
  const { most, least } = EXCHANGES_PER_SECOND;
  const perWorker = Math.min(most, Math.max(least, mix.streams / mix.lifeSeconds / workers));
  return workers * perWorker * redis.exchangeMicros + mix.eventsPerSecond * redis.publishMicros;
}

/** Of all brokers. From three on each event and log has three copies; each worker with listeners is given an event once. */
function brokerMicros(
  { broker, ...slopes }: Slopes,
  mix: Mix,
  { workers, brokers }: { readonly workers: number; readonly brokers: number },
): number {
  const { feeds, reads } = workOf({ broker, ...slopes }, mix, workers);
  const kept =
    brokers < 3
      ? mix.eventsPerSecond * broker.eventMicros
      : mix.eventsPerSecond * broker.replicatedMicros + mix.tenants * broker.logMicros;
  return kept + workers * (reads * broker.deliveryMicros + feeds * broker.consumerMicros);
}

/** The share of so many workers that have at least one of so many streams. */
function shareThatMeets(workers: number, streams: number): number {
  return 1 - (1 - 1 / workers) ** streams;
}

/** The least whole number from `from` on that holds; undefined where `most` does not. What holds goes on to hold for more. */
function leastThat(from: number, most: number, holds: (count: number) => boolean): number | undefined {
  if (!holds(most)) return undefined;
  let [few, many] = [from - 1, most];
  while (many - few > 1) {
    const middle = Math.floor((few + many) / 2);
    if (holds(middle)) many = middle;
    else few = middle;
  }
  return many;
}
