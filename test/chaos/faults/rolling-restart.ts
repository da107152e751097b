import { setTimeout as delay } from "node:timers/promises";
import { choose, type Fault, seconds, type Trouble } from "../fault.ts";
import { type Component, processesOf, withoutAny } from "../world.ts";

/** All processes of a kind are stopped with SIGTERM and started again, one after the other. */
export function rollingRestart(component: Component): Fault {
  return {
    name: `rolling restart of ${component}`,
    weight: 1,
    hits: component,
    recoversWithinMs: 20_000,
    missing: withoutAny(component),
    async begin({ world, random }) {
      const processes = processesOf(world, component);
      const pauseMs = seconds(random, 0.5, 2);
      return untilDone(processes.map(({ name }) => name).join(", "), async () => {
        for (const process of processes) {
          await process.restart();
          await delay(pauseMs);
        }
      });
    },
  };
}

/** A broker is told to go (`SIGUSR2`), and started again: it hands over first, as in an upgrade. */
export const lameDuck: Fault = {
  name: "broker told to go, and started again",
  weight: 1,
  hits: "broker",
  recoversWithinMs: 20_000,
  goesUnnoticed: true,
  missing: (world) => (processesOf(world, "broker").length === 1 ? "there is one broker" : undefined),
  async begin({ world, random }) {
    const broker = choose(random, processesOf(world, "broker"));
    return untilDone(broker.name, async () => {
      await broker.end("SIGUSR2");
      await broker.restart();
    });
  },
};

/** The fault ends when the work is done. */
function untilDone(target: string, work: () => Promise<void>): Trouble {
  const working = work();
  // What fails is told at its end.
  working.catch(() => {});
  return { target, lastsMs: 0, end: () => working };
}
