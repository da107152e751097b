import { choose, type Fault, seconds } from "../fault.ts";
import { type Component, processesOf, withoutAny } from "../world.ts";

/** `SIGSTOP` of a process of that kind: its connections stay open, and it answers nothing. */
export function freeze(component: Component): Fault {
  return {
    name: `SIGSTOP of ${component}`,
    weight: 1,
    hits: component,
    recoversWithinMs: 20_000,
    missing: withoutAny(component),
    async begin({ world, random }) {
      const process = choose(random, processesOf(world, component));
      const lastsMs = seconds(random, 2, 15);
      await process.stop();
      return { target: process.name, lastsMs, end: () => process.cont() };
    },
  };
}
