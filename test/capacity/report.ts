import type { Check } from "./check-workers.ts";
import { type Machines, type Mix, type Need, nearest, type Plan, planFor, reachBackSeconds } from "./model.ts";
import { ROADS, type Slopes } from "./slopes.ts";

/** One cell of a row each; the first says what. */
type Row = readonly string[];

/** The slopes as lines of text. */
export function slopeLines({ machine, edge, broker, auth, policy, redis, publish }: Slopes): readonly string[] {
  const micros = (value: number): string => `${round(value)} µs`;
  const kib = (value: number): string => `${round(value)} KiB`;
  const byRoad = (of: Slopes["edge"]["streamKiB"], unit: (value: number) => string): string =>
    ROADS.map((road) => `${road} ${unit(of[road])}`).join(", ");
  return [
    `what one more costs on ${machine.cores} × ${machine.cpu}, Node ${machine.node}`,
    ...tableOf([
      [
        "an event that an edge reads",
        `${micros(edge.eventMicros)}, and ${micros(edge.wakeMicros)} where it wakes the loop`,
      ],
      ["a flush of an audience", micros(edge.flushMicros)],
      ["a member's write in it", byRoad(edge.writeMicros, micros)],
      ["each event in that write", micros(edge.deliveryMicros)],
      ["an answer of a poll", micros(edge.pollMicros)],
      [
        "a handshake, new token",
        `edge ${micros(edge.newTokenMicros)}, auth ${micros(auth.newTokenMicros)}, policy ${micros(policy.newTokenMicros)}`,
      ],
      [
        "a handshake, known token",
        `edge ${micros(edge.knownTokenMicros)}, auth ${micros(auth.knownTokenMicros)}, policy ${micros(policy.knownTokenMicros)}`,
      ],
      ["an idle stream", `${byRoad(edge.streamKiB, kib)}; ${micros(edge.streamMicros)} a second`],
      ["a worker without streams", `${round(edge.baseMiB)} MiB, ${micros(edge.baseMicros)} a second`],
      [
        "a tenant with listeners, for each worker",
        `${kib(edge.feedKiB)}, ${micros(edge.feedMicros)} a second; a consumer: ${kib(broker.consumerKiB)}, ${micros(broker.consumerMicros)} a second of the broker`,
      ],
      [
        "a tenant's log",
        `${kib(broker.logKiB)} of a broker; with three copies ${micros(broker.logMicros)} a second of three`,
      ],
      [
        "an event that is stored",
        `${micros(broker.eventMicros)} of one broker, ${micros(broker.replicatedMicros)} of three; ${round(broker.overheadBytes)} bytes beside its payload`,
      ],
      ["an event given to a consumer", `${micros(broker.deliveryMicros)} of the broker`],
      ["events that a broker syncs, 128 under way", `${round(broker.eventsPerSecond)} a second`],
      [
        "an event over HTTP",
        `${micros(publish.eventMicros)} of the publisher, ${micros(publish.batchedMicros)} in batches of 100`,
      ],
      [
        "Redis, for an exchange of counts",
        `${micros(redis.exchangeMicros)}; ${round(redis.handshakeCommands)} commands for each of many handshakes`,
      ],
      [
        "Redis, for a call of the publisher",
        `${round(redis.publishCommands)} commands, ${micros(redis.publishMicros)}`,
      ],
      ["Redis, for a change of kept topics", `${round(redis.changeCommands)} commands, ${micros(redis.changeMicros)}`],
      ["decisions of policy, for each second of a core", round(policy.decisionsPerSecond)],
    ]),
  ];
}

/** What mixes need, as lines of text. */
export function planLines(slopes: Slopes, mixes: readonly Mix[], machines: Machines): readonly string[] {
  const head = ["mix", "edges", "brokers", "auth, policy, publish", "deliveries/s", "CPU-s a million", "ends first"];
  const rows = mixes.map((mix) => [mixName(mix), ...planRow(planFor(slopes, mix, machines))]);
  const { edgeCores, workerMiB, brokerCores, brokerMiB, brokerDiskGiB, coreShare, roomShare } = machines;
  return [
    `planned with ${percent(coreShare)} of each core and ${percent(roomShare)} of memory and disks`,
    `an edge: ${edgeCores} cores, a worker on each with ${workerMiB} MiB; a broker: ${brokerCores} cores, ${brokerMiB} MiB, ${brokerDiskGiB} GiB of disk`,
    ...tableOf([head, ...rows]),
  ];
}

/** All that a mix takes of what may be planned with, the nearest to its end first. */
export function needLines(slopes: Slopes, mix: Mix, machines: Machines): readonly string[] {
  const plan = planFor(slopes, mix, machines);
  const days = reachBackSeconds(slopes, mix) / 86_400;
  const log = `a tenant's log of ${mix.logMiB} MiB reaches ${round(days)} days back, or as long as the policy keeps events`;
  if ("resource" in plan) return [`${mixName(mix)}: ${noneIsEnough(plan)}`, log];
  return [
    `${mixName(mix)}: ${plan.edges} edges (${plan.workers} workers), ${plan.brokers} brokers, ${plan.auths} auth, ${plan.policies} policy, ${plan.publishers} publish`,
    ...tableOf(plan.needs.map(({ resource, share }) => [resource, percent(share)])),
    log,
  ];
}

/** What the model said beside what was, as a line of text. */
export function checkLine({ name, predicted, measured, unit }: Check): string {
  const error = signedPercent(predicted / measured - 1);
  return `  ${name}: predicted ${round(predicted)}, measured ${round(measured)} ${unit}, error ${error}`;
}

function planRow(plan: Plan | Need): Row {
  if ("resource" in plan) return ["–", "–", "–", "–", "–", noneIsEnough(plan)];
  const { edges, brokers, auths, policies, publishers, needs } = plan;
  const { resource, share } = nearest(needs);
  return [
    String(edges),
    String(brokers),
    `${auths}, ${policies}, ${publishers}`,
    round(plan.deliveriesPerSecond),
    round(plan.cpuSecondsPerMillion),
    `${resource} (${percent(share)})`,
  ];
}

function noneIsEnough({ resource, share }: Need): string {
  return `more than one cluster: ${resource} (${percent(share)})`;
}

function mixName({ name, streams, eventsPerSecond, tenants, reach }: Mix): string {
  const of = `${round(streams)} streams, ${round(eventsPerSecond)} events/s, ${round(tenants)} tenants, ${percent(reach)} reached`;
  return name === "" ? of : `${name}: ${of}`;
}

/** Columns as wide as their widest cell. */
function tableOf(rows: readonly Row[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd());
}

function percent(share: number): string {
  return `${round(share * 100)} %`;
}

function signedPercent(share: number): string {
  return `${share < 0 ? "−" : "+"}${round(Math.abs(share) * 100)} %`;
}

/** Three digits of it, thousands apart. */
function round(value: number): string {
  if (!Number.isFinite(value)) return "∞";
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 3)).replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, " ");
}
