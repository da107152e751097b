import type { ProxyMode } from "#test/support/tcp-proxy.ts";
import { choose, type Fault, seconds } from "../fault.ts";
import { clusterOf, type Component, type Link, processesOf, type Side, withoutCluster, type World } from "../world.ts";

/** A broker that the other two do not reach, nor it them. */
export const partitionBroker: Fault = {
  name: "partition of a broker from the others",
  weight: 1,
  hits: "broker",
  recoversWithinMs: 20_000,
  missing: withoutCluster,
  async begin({ world, random }) {
    const { name } = choose(random, processesOf(world, "broker"));
    const lastsMs = seconds(random, 5, 20);
    clusterOf(world).isolate(name);
    return { target: name, lastsMs, end: async () => clusterOf(world).isolate(undefined) };
  },
};

/** A broker that hears nothing of one of the others, which hears it. */
export const deafenBroker: Fault = {
  name: "one-way partition between brokers",
  weight: 1,
  hits: "broker",
  recoversWithinMs: 20_000,
  missing: withoutCluster,
  async begin({ world, random }) {
    const brokers = processesOf(world, "broker");
    const deaf = choose(random, brokers);
    const unheard = choose(
      random,
      brokers.filter((other) => other !== deaf),
    );
    const lastsMs = seconds(random, 5, 20);
    clusterOf(world).deafen(deaf.name, unheard.name);
    return { target: `${unheard.name} to ${deaf.name}`, lastsMs, end: async () => clusterOf(world).isolate(undefined) };
  },
};

/** A service that does not reach another: nothing passes, or nothing in one direction, and no connection is closed. */
export function cutLink(from: Side, to: Component, name: string, modes: readonly ProxyMode[]): Fault {
  return {
    name: `${name} between ${from} and ${to}`,
    weight: 1,
    hits: from === "services" ? to : from,
    recoversWithinMs: 20_000,
    missing: (world) => (linksOf(world, from, to).length === 0 ? "its network is not behind a proxy" : undefined),
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

/** A link on which everything takes 200 ms each way. */
export function slowLink(from: Side, to: Component): Fault {
  return {
    name: `200 ms between ${from} and ${to}`,
    weight: 1,
    hits: from === "services" ? to : from,
    recoversWithinMs: 15_000,
    goesUnnoticed: true,
    missing: (world) => (linksOf(world, from, to).length === 0 ? "its network is not behind a proxy" : undefined),
    async begin({ world, random }) {
      const link = choose(random, linksOf(world, from, to));
      const lastsMs = seconds(random, 5, 20);
      link.set({ delayMs: 200 });
      return { target: link.name, lastsMs, end: async () => link.set("pass") };
    },
  };
}

/** The network between these. */
function linksOf(world: World, from: Side, to: Component): readonly Link[] {
  return world.links.filter((link) => link.from === from && link.to === to);
}
