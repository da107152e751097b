import { choose, type Fault, seconds } from "../fault.ts";
import { type Component, processesOf, withoutAny } from "../world.ts";

/** The wall clock of a process is set off, and right again later. Its monotonic clock goes on, as on a machine whose clock is set. */
export function clockJump(component: Component): Fault {
  return {
    name: `clock of ${component} set off`,
    weight: 1,
    hits: component,
    recoversWithinMs: 15_000,
    missing: withoutAny(component),
    async begin({ world, random }) {
      const process = choose(random, processesOf(world, component));
      const minutes = choose(random, [-60, -5, 5, 60]);
      const lastsMs = seconds(random, 5, 15);
      await world.setClock(process, minutes * 60_000);
      const target = `${process.name}, ${minutes > 0 ? "+" : ""}${minutes} min`;
      return { target, lastsMs, end: () => world.setClock(process, 0) };
    },
  };
}
