import { setTimeout as delay } from "node:timers/promises";
import type { JetStreamManager } from "@nats-io/jetstream";
import { threadMicros } from "../../bench/account.ts";
import { atRate, payloadOf } from "../../bench/load.ts";
import { logStreamName, logSubjects } from "#shared/contract/tenant-log.ts";
import { startNatsCluster } from "#test/support/start-nats-cluster.ts";
import { openBus } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";
import type { Slopes } from "../slopes.ts";
import { PATIENTLY, PAYLOAD_BYTES } from "./count-work.ts";

type ReplicatedSlopes = Pick<Slopes["broker"], "replicatedMicros" | "logMicros">;

const RATE = 300;

/** Logs are made so many at a time. */
const AT_A_TIME = 10;

/** Measures what three brokers take together for an event that each of them stores, and for a log in which nothing happens. */
export async function measureReplicated(isQuick: boolean): Promise<ReplicatedSlopes> {
  const [seconds, logs] = isQuick ? [2, 30] : [8, 200];
  await using cluster = await startNatsCluster();
  const { nodes } = cluster;
  const policy = await openBus(nodes[0].url("policy"), "policy");
  const producer = await openBus(nodes[0].url("demo"), "demo");
  const spent = async (): Promise<number> =>
    (await Promise.all(nodes.map(({ pid }) => threadMicros(pid)))).reduce((sum, each) => sum + each, 0);
  /** Microseconds of all three in a second. */
  const during = async (work: () => Promise<unknown>): Promise<number> => {
    const before = await spent();
    await work();
    return ((await spent()) - before) / seconds;
  };
  const rest = (): Promise<number> => during(() => delay(seconds * 1_000));
  try {
    const manager = await waitFor("a leader", () => policy.manager().catch(() => undefined));
    await waitFor("a log of three copies", () => addLog(manager, "demo"));
    await waitFor("an event is stored", () => producer.publish("events.demo.push", "{}").catch(() => undefined));
    const idle = await rest();
    const busy = await during(() =>
      atRate({ ratePerSecond: RATE, seconds }, () => {
        void producer.js.publish("events.demo.push", payloadOf(PAYLOAD_BYTES), PATIENTLY);
      }),
    );
    for (let made = 0; made < logs; made += AT_A_TIME) {
      const names = Array.from({ length: AT_A_TIME }, (_, index) => `tenant${made + index}`);
      await Promise.all(names.map((name) => waitFor(`the log of ${name}`, () => addLog(manager, name), 60_000)));
    }
    // Elections are over.
    await delay(2_000);
    return {
      replicatedMicros: Math.max(0, busy - idle) / RATE,
      logMicros: Math.max(0, (await rest()) - idle) / logs,
    };
  } finally {
    await Promise.all([policy.connection.close(), producer.connection.close()]);
  }
}

function addLog({ streams }: JetStreamManager, tenant: string): Promise<object | undefined> {
  const log = { name: logStreamName(tenant), subjects: logSubjects(tenant), num_replicas: 3 };
  return streams.add(log).catch(() => undefined);
}
