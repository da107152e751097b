import { setTimeout as delay } from "node:timers/promises";
import { Pool } from "undici";
import { cpuMillis } from "../account.ts";
import { payloadOf } from "../load.ts";
import type { Stack } from "#test/support/start-stack.ts";
import type { Scenario } from "../scenario.ts";

const EVENTS = 12_000;

/** Events, or batches, that are on their way at a time. */
const AT_A_TIME = 128;

const BATCH = 100;

const NO_QUOTAS = {
  PUBLISH_EVENTS_PER_SUBJECT_PER_MINUTE: "1000000000",
  PUBLISH_EVENTS_PER_TENANT_PER_SECOND: "1000000000",
};

/** More rounds of each kind in turns: what else this machine does meets all of them. */
const ROUNDS = 3;

/** Events over HTTP beside events that a producer publishes into JetStream itself. */
export const publish: Scenario = {
  name: "publish",
  about: `${EVENTS} events over HTTP, one by one and in batches of ${BATCH}, beside as many straight into JetStream`,
  async run({ stack }) {
    const costs = await measurePublishing(stack, { events: EVENTS, rounds: ROUNDS });
    const byDirect = { unit: "× direct", goal: { atLeast: 0.7 } };
    const { direct, single, batch } = costs;
    return [
      { name: "straight into JetStream", value: direct.perSecond, unit: "events/s" },
      { name: "over HTTP, one by one", value: single.perSecond, unit: "events/s" },
      { name: "the same, by direct", value: single.perSecond / direct.perSecond, ...byDirect },
      { name: `over HTTP, ${BATCH} at once`, value: batch.perSecond, unit: "events/s" },
      { name: "the same, by direct", value: batch.perSecond / direct.perSecond, ...byDirect },
      { name: "CPU of the publisher for each event, one by one", value: single.cpuMicros, unit: "µs" },
      { name: "the same in batches", value: batch.cpuMicros, unit: "µs" },
    ];
  },
};

const KINDS = ["direct", "single", "batch"] as const;

/** How fast events of a kind are stored, and what one of them takes of the publisher. */
interface Publishing {
  readonly perSecond: number;
  readonly cpuMicros: number;
}

/** Publishes so many events straight into JetStream, over HTTP one by one, and over HTTP in batches: in turns, so many rounds of each. */
export async function measurePublishing(
  stack: Stack,
  { events, rounds, env = {} }: { readonly events: number; readonly rounds: number; readonly env?: NodeJS.ProcessEnv },
): Promise<Readonly<Record<(typeof KINDS)[number], Publishing>>> {
  await using publisher = await stack.startPublish({ ...NO_QUOTAS, ...env });
  const { pid = 0 } = publisher.child.process;
  const { access_token: token } = await stack.login("carol");
  const producer = await stack.bus("demo");
  await using pool = poolAt(publisher.ports.http);
  const send = (batch: readonly object[]): Promise<void> => sendEvents(pool, token, batch);
  const kinds = {
    direct: () =>
      inParallel(events, () =>
        producer.js.publish("events.demo.push.event.bench", payloadOf(200), { timeout: 60_000 }),
      ),
    single: () => inParallel(events, () => send([eventOf()])),
    batch: () => inParallel(events / BATCH, () => send(Array.from({ length: BATCH }, eventOf))),
  };
  await inParallel(AT_A_TIME, () => send([eventOf()]));
  const seconds = { direct: 0, single: 0, batch: 0 };
  const cpu = { direct: 0, single: 0, batch: 0 };
  for (let round = 0; round < rounds; round += 1) {
    for (const kind of KINDS) {
      const [begin, before] = [performance.now(), await cpuMillis(pid)];
      await kinds[kind]();
      seconds[kind] += (performance.now() - begin) / 1_000;
      cpu[kind] += (await cpuMillis(pid)) - before;
    }
  }
  const all = rounds * events;
  const of = (kind: (typeof KINDS)[number]): Publishing => ({
    perSecond: all / seconds[kind],
    cpuMicros: (1_000 * cpu[kind]) / all,
  });
  return { direct: of("direct"), single: of("single"), batch: of("batch") };
}

/** On a machine that others use, too, auth or policy may answer late: whoever publishes tries again. */
const TRIES = 10;
const AGAIN_AFTER_MS = 500;

async function sendEvents(pool: Pool, token: string, events: readonly object[]): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const body = JSON.stringify(events.length === 1 ? events[0] : events);
  for (let tries = 1; ; tries += 1) {
    const answer = await pool.request({ method: "POST", path: "/v1/events", headers, body });
    if (answer.statusCode === 200) return answer.body.dump();
    const text = await answer.body.text();
    if (answer.statusCode !== 503 || tries === TRIES)
      throw new Error(`the publisher answered ${answer.statusCode}: ${text}`);
    await delay(AGAIN_AFTER_MS);
  }
}

function poolAt(port: number): Pool & AsyncDisposable {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: AT_A_TIME });
  return Object.assign(pool, { [Symbol.asyncDispose]: () => pool.close() });
}

function eventOf(): object {
  return { type: "push.event", key: "bench", data: JSON.parse(payloadOf(200)) as unknown };
}

async function inParallel(count: number, act: () => Promise<unknown>): Promise<void> {
  let begun = 0;
  const worker = async (): Promise<void> => {
    while (begun < count) {
      begun += 1;
      await act();
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
}
