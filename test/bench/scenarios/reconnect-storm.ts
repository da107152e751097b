import { describeStorm, measureStorm } from "../reconnect-storm.ts";
import type { Scenario } from "../scenario.ts";

const LOAD = { clients: 10_000, groups: 1_000, ratePerSecond: 500, processes: 2 };

/** Thousands of clients killed at once, which all come back and resume. */
export const reconnectStorm: Scenario = {
  name: "reconnect-storm",
  about: `${LOAD.clients} clients killed, all resume from their ids while ${LOAD.ratePerSecond} events a second flow`,
  async run({ stack, say }) {
    const report = await measureStorm(stack, LOAD);
    say(`  ${describeStorm(report, LOAD)}`);
    return [
      { name: "until the last had all", value: report.seconds, unit: "s", goal: { atMost: 10 } },
      { name: "JetStream consumers", value: report.consumers, unit: "", goal: { atMost: 1 } },
    ];
  },
};
