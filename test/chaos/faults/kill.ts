import { choose, type Fault, seconds } from "../fault.ts";
import { type Component, processesOf, withoutAny } from "../world.ts";

/** `kill -9` of a process of that kind, which its supervisor starts again after a while. */
export function kill(component: Component, weight = 1): Fault {
  return {
    name: `kill -9 of ${component}`,
    weight,
    hits: component,
    recoversWithinMs: 15_000,
    missing: withoutAny(component),
    async begin({ world, random }) {
      const process = choose(random, processesOf(world, component));
      const lastsMs = seconds(random, 1, 8);
      await process.kill();
      return { target: process.name, lastsMs, end: () => process.restart() };
    },
  };
}
