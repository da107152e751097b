import { setTimeout as delay } from "node:timers/promises";
import { type Fault, seconds } from "../fault.ts";
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
      const restarting = (async () => {
        for (const process of processes) {
          await process.restart();
          await delay(pauseMs);
        }
      })();
      // What fails is told at its end.
      restarting.catch(() => {});
      return { target: processes.map(({ name }) => name).join(", "), lastsMs: 0, end: () => restarting };
    },
  };
}
