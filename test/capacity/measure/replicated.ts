import { setTimeout as delay } from "node:timers/promises";
import { cpuMillis } from "../../bench/account.ts";
import { atRate, payloadOf } from "../../bench/load.ts";
import { logStreamName, logSubjects } from "#shared/contract/tenant-log.ts";
import { startNatsCluster } from "#test/support/start-nats-cluster.ts";
import { openBus } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";
import { PAYLOAD_BYTES } from "./count-work.ts";

const RATE = 300;

/** What storing an event on three brokers takes of all three together, in microseconds. */
export async function measureReplicated(isQuick: boolean): Promise<number> {
  const seconds = isQuick ? 2 : 6;
  await using cluster = await startNatsCluster();
  const { nodes } = cluster;
  const policy = await openBus(nodes[0].url("policy"), "policy");
  const producer = await openBus(nodes[0].url("demo"), "demo");
  try {
    const log = { name: logStreamName("demo"), subjects: logSubjects("demo"), num_replicas: 3 };
    await waitFor("a log of three copies", () =>
      policy.manager().then(
        (manager) => manager.streams.add(log).catch(() => undefined),
        () => undefined,
      ),
    );
    await waitFor("an event is stored", () => producer.publish("events.demo.push", "{}").catch(() => undefined));
    const spent = async (): Promise<number> =>
      (await Promise.all(nodes.map(({ pid }) => cpuMillis(pid)))).reduce((sum, each) => sum + each, 0);
    const idleBefore = await spent();
    await delay(seconds * 1_000);
    const before = await spent();
    await atRate({ ratePerSecond: RATE, seconds }, () => {
      void producer.js.publish("events.demo.push", payloadOf(PAYLOAD_BYTES));
    });
    return (1_000 * Math.max(0, (await spent()) - before - (before - idleBefore))) / (RATE * seconds);
  } finally {
    await Promise.all([policy.connection.close(), producer.connection.close()]);
  }
}
