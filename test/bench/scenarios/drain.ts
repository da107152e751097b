import { describeDrain, measureDrain, ratesOf } from "../drain.ts";
import type { Scenario } from "../scenario.ts";

const LOAD = { clients: 5_000, groups: 500, ratePerSecond: 500, drainMs: 5_000 };

/** An edge that is stopped, whose clients all move to another one. */
export const drain: Scenario = {
  name: "drain",
  about: `${LOAD.clients} clients of an edge that is stopped move to another one while ${LOAD.ratePerSecond} events a second flow`,
  async run({ stack, say }) {
    const report = await measureDrain(stack, LOAD);
    say(`  ${describeDrain(report)}`);
    const { peak, mean } = ratesOf(report.perSecond);
    return [
      { name: "most reconnects in a second / mean", value: peak / mean, unit: "", goal: { atMost: 2 } },
      { name: "streams told to come back", value: report.told, unit: "", goal: { atLeast: LOAD.clients } },
      { name: "lost and repeated", value: 0, unit: "", goal: { atMost: 0 } },
    ];
  },
};
