import type { Account } from "#test/support/checker/account.ts";
import { describeHandOver, measureHandOver } from "../hand-over.ts";
import { describeStorm, measureStorm } from "../reconnect-storm.ts";
import type { Figure, Scenario } from "../scenario.ts";

const HAND_OVER = { clients: 500, ratePerSecond: 2_000, deliveries: 1_000_000 };
const STORM = { clients: 10_000, groups: 100, ratePerSecond: 500, processes: 2 };

/** Whether anything is lost or repeated where connections go from history to live. */
export const handOver: Scenario = {
  name: "hand-over",
  about: `${HAND_OVER.clients} clients reconnect after random ids at ${HAND_OVER.ratePerSecond} events/s`,
  async run({ stack, say }) {
    const report = await measureHandOver(stack, HAND_OVER);
    say(describeHandOver(report));
    return [
      ...deliveriesOf(report.account, HAND_OVER.deliveries),
      { name: "stuck", value: report.stuck, unit: "connections", goal: { atMost: 0 } },
    ];
  },
};

/** How long it takes until all are back. */
export const reconnectStorm: Scenario = {
  name: "reconnect-storm",
  about: `${STORM.clients} clients are killed and resume after their ids while ${STORM.ratePerSecond} events/s flow`,
  async run({ stack, say }) {
    const report = await measureStorm(stack, STORM);
    say(describeStorm(report, STORM));
    return [
      { name: "all back and caught up", value: report.seconds, unit: "s", goal: { atMost: 10 } },
      { name: "JetStream consumers", value: report.consumers, unit: "", goal: { atMost: 1 } },
      ...deliveriesOf(report.account, 1),
    ];
  },
};

function deliveriesOf({ delivered, lost, duplicates, outOfOrder }: Account, least: number): Figure[] {
  return [
    { name: "delivered", value: delivered, unit: "events", goal: { atLeast: least } },
    {
      name: "lost, repeated or out of order",
      value: lost + duplicates + outOfOrder,
      unit: "events",
      goal: { atMost: 0 },
    },
  ];
}
