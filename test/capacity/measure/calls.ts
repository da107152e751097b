import { setTimeout as delay } from "node:timers/promises";
import { cpuMillis } from "../../bench/account.ts";
import { atRate, payloadOf } from "../../bench/load.ts";
import { decisionsPerSecond } from "../../bench/policy/decisions.ts";
import { measurePublishing } from "../../bench/scenarios/publish.ts";
import type { Bench } from "../../bench/scenario.ts";
import { logStreamName } from "#shared/contract/tenant-log.ts";
import type { Slopes } from "../slopes.ts";
import { PATIENTLY, PAYLOAD_BYTES } from "./count-work.ts";
import { redisDuring, type RedisLoad } from "./redis-load.ts";

/** What is asked of the services beside streams. */
export interface CallSlopes {
  readonly publish: Slopes["publish"];
  readonly decisionsPerSecond: number;
  readonly publishRedis: RedisLoad;
  readonly changeRedis: RedisLoad;
  /** Of one broker. */
  readonly stored: Pick<Slopes["broker"], "eventMicros" | "eventsPerSecond" | "overheadBytes">;
}

/** As many of one stream as its limits allow, at their pace. */
const CHANGES = 40;
const CHANGE_EVERY_MS = 60;

/** Measures publishing, storing, decisions, and what a change of topics asks of Redis. */
export async function measureCalls(bench: Bench, isQuick: boolean): Promise<CallSlopes> {
  const { stack } = bench;
  const stored = await measureStoring(bench, isQuick ? 2 : 6);
  const events = isQuick ? 1_000 : 4_000;
  const env = { REDIS_URL: stack.redis.publishUrl };
  let publishing: Awaited<ReturnType<typeof measurePublishing>> | undefined;
  const publishRedis = await redisDuring(stack.redis, events + events / 100, async () => {
    publishing = await measurePublishing(stack, { events, rounds: 1, env });
  });
  if (publishing === undefined) throw new Error("nothing was published");
  const { direct, single, batch } = publishing;
  return {
    publish: { eventMicros: single.cpuMicros, batchedMicros: batch.cpuMicros },
    decisionsPerSecond: decisionsPerSecond(isQuick ? 500_000 : 2_000_000),
    publishRedis,
    changeRedis: await measureChanges(bench),
    stored: { ...stored, eventsPerSecond: direct.perSecond },
  };
}

/** What storing an event that nobody reads takes of the broker. */
async function measureStoring(
  { stack }: Bench,
  seconds: number,
): Promise<Pick<Slopes["broker"], "eventMicros" | "overheadBytes">> {
  const producer = await stack.bus("demo");
  const manager = await (await stack.bus("policy")).manager();
  const logOf = async () => (await manager.streams.info(logStreamName("demo"))).state;
  const load = { ratePerSecond: 500, seconds };
  const [before, cpuBefore] = [await logOf(), await cpuMillis(stack.nats.pid)];
  await atRate(load, () => {
    void producer.js.publish("events.demo.push.event.bench", payloadOf(PAYLOAD_BYTES), PATIENTLY);
  });
  const [after, cpu] = [await logOf(), (await cpuMillis(stack.nats.pid)) - cpuBefore];
  const bytes = (after.bytes - before.bytes) / (after.messages - before.messages);
  return { eventMicros: (1_000 * cpu) / (load.ratePerSecond * seconds), overheadBytes: bytes - PAYLOAD_BYTES };
}

/** What a change of topics that are kept under a client's id takes of Redis. */
async function measureChanges({ stack }: Bench): Promise<RedisLoad> {
  await using edge = await stack.startEdge({ REDIS_URL: stack.redis.streamUrl });
  const { access_token: token } = await stack.login("carol");
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const base = `http://127.0.0.1:${edge.ports.http}/v1`;
  const stop = new AbortController();
  const response = await fetch(`${base}/stream?topic=issues.>&client=bench`, { headers, signal: stop.signal });
  const url = `${base}/streams/${response.headers.get("x-connection-id") ?? ""}/topics`;
  try {
    return await redisDuring(stack.redis, CHANGES, async () => {
      for (let change = 0; change < CHANGES; change += 1) {
        const body = JSON.stringify({ [change % 2 === 0 ? "add" : "remove"]: ["push.event.more"] });
        const answer = await fetch(url, { method: "POST", headers, body });
        if (!answer.ok) throw new Error(`a change of topics was answered ${answer.status}: ${await answer.text()}`);
        await answer.body?.cancel();
        await delay(CHANGE_EVERY_MS);
      }
    });
  } finally {
    stop.abort();
  }
}
