import { describeHandOver, measureHandOver } from "../hand-over.ts";
import type { Scenario } from "../scenario.ts";

const LOAD = { clients: 50, ratePerSecond: 2_000, deliveries: 1_000_000, handOvers: 100 };

/** Clients that cross over from history to live, again and again. */
export const handOver: Scenario = {
  name: "hand-over",
  about: `${LOAD.clients} clients reconnect with random cursors at ${LOAD.ratePerSecond} events a second`,
  async run({ stack, say }) {
    const report = await measureHandOver(stack, LOAD);
    say(`  ${describeHandOver(report)}`);
    return [
      { name: "deliveries", value: report.account.delivered, unit: "", goal: { atLeast: LOAD.deliveries } },
      { name: "connections that never went live", value: report.stuck, unit: "", goal: { atMost: 0 } },
    ];
  },
};
