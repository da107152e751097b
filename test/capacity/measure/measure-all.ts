import { cpus } from "node:os";
import type { Bench } from "../../bench/scenario.ts";
import type { Slopes } from "../slopes.ts";
import { measureCalls } from "./calls.ts";
import { measureDeliveries } from "./deliveries.ts";
import { measureExchanges } from "./exchanges.ts";
import { measureHandshakes } from "./handshakes.ts";
import { measureMemory } from "./memory.ts";
import { measureReplicated } from "./replicated.ts";
import { measureTenants } from "./tenants.ts";

/** Measures every slope on this machine, one after the other. */
export async function measureAll(bench: Bench, isQuick: boolean): Promise<Slopes> {
  const step = async <T>(what: string, measure: () => Promise<T>): Promise<T> => {
    const begin = performance.now();
    bench.say(what);
    const found = await measure();
    bench.say(`  ${((performance.now() - begin) / 1_000).toFixed(0)} s`);
    return found;
  };
  const calls = await step("storing, publishing, decisions, Redis", () => measureCalls(bench, isQuick));
  const { brokerMicros, ...delivering } = await step("deliveries", () => measureDeliveries(bench, isQuick));
  const { newToken, knownToken } = await step("handshakes", () => measureHandshakes(bench, isQuick));
  const memory = await step("idle streams", () => measureMemory(bench, isQuick));
  const exchanges = await step("exchanges of counts", () => measureExchanges(bench.stack.redis));
  // Each counts the time of its own processes, which hardly do anything.
  const [{ feedMicros, feedKiB, ...ofBroker }, replicated] = await step("tenants, and three brokers", () =>
    Promise.all([measureTenants(bench.programs, isQuick), measureReplicated(isQuick)]),
  );
  return {
    machine: {
      cpu: cpus()[0]?.model ?? "unknown",
      cores: cpus().length,
      node: process.version,
      load: bench.programs.language,
      at: new Date().toISOString(),
    },
    edge: {
      ...delivering,
      ...memory,
      feedMicros,
      feedKiB,
      newTokenMicros: newToken.edge,
      knownTokenMicros: knownToken.edge,
    },
    broker: {
      ...ofBroker,
      ...calls.stored,
      ...replicated,
      deliveryMicros: Math.max(0, brokerMicros - calls.stored.eventMicros),
    },
    auth: { newTokenMicros: newToken.auth, knownTokenMicros: knownToken.auth },
    policy: {
      newTokenMicros: newToken.policy,
      knownTokenMicros: knownToken.policy,
      decisionsPerSecond: calls.decisionsPerSecond,
    },
    redis: {
      handshakeCommands: newToken.redis.commands,
      ...exchanges,
      publishCommands: calls.publishRedis.commands,
      publishMicros: calls.publishRedis.cpuMicros,
      changeCommands: calls.changeRedis.commands,
      changeMicros: calls.changeRedis.cpuMicros,
    },
    publish: calls.publish,
  };
}
