import { choose, type Fault, seconds } from "../fault.ts";
import { clusterOf, processesOf, withoutCluster } from "../world.ts";

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
