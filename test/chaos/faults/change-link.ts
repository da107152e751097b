import type { ProxyMode } from "#test/support/tcp-proxy.ts";
import { choose, type Fault, seconds } from "../fault.ts";
import type { Link, Side, World } from "../world.ts";

/** What a network does to what passes. */
interface Change extends Pick<Fault, "goesUnnoticed" | "recoversWithinMs"> {
  readonly name: string;
  readonly modes: readonly ProxyMode[];
}

/** Nothing passes, and no connection is closed. */
export const PARTITION: Change = { name: "partition", modes: ["blackhole"], recoversWithinMs: 20_000 };

/** Nothing passes in one direction. */
export const ONE_WAY: Change = {
  name: "one-way partition",
  modes: ["no-requests", "no-replies"],
  recoversWithinMs: 20_000,
};

/** Every connection is reset, and so is each new one. */
export const RESET: Change = { name: "reset of every connection", modes: ["reset"], recoversWithinMs: 20_000 };

/** Everything takes 200 ms each way. */
export const SLOW: Change = {
  name: "200 ms",
  modes: [{ delayMs: 200 }],
  recoversWithinMs: 15_000,
  goesUnnoticed: true,
};

/** The network between those is so for a while. */
export function changeLink({ name, modes, ...promised }: Change, from: Side, to: Side = from): Fault {
  return {
    ...promised,
    name: `${name} between ${from === to ? from : `${from} and ${to}`}`,
    weight: 1,
    hits: from === "services" ? to : from,
    missing: (world) => (linksOf(world, from, to).length === 0 ? "there is no such link" : undefined),
    async begin({ world, random }) {
      const link = choose(random, linksOf(world, from, to));
      const mode = choose(random, modes);
      const lastsMs = seconds(random, 3, 20);
      link.set(mode);
      const target = modes.length > 1 ? `${link.name}, ${JSON.stringify(mode)}` : link.name;
      return { target, lastsMs, end: async () => link.set("pass") };
    },
  };
}

function linksOf(world: World, from: Side, to: Side): readonly Link[] {
  return world.links.filter((link) => link.from === from && link.to === to);
}
