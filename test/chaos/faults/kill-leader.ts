import { choose, type Fault, seconds } from "../fault.ts";
import { clusterOf, processesOf, processNamed, TENANTS, withoutCluster } from "../world.ts";

/** `kill -9` of the broker that leads a tenant's log. */
export const killLeader: Fault = {
  name: "kill -9 of a log's leader",
  weight: 2,
  hits: "broker",
  recoversWithinMs: 15_000,
  missing: withoutCluster,
  async begin({ world, random }) {
    const tenant = choose(random, TENANTS);
    const lastsMs = seconds(random, 1, 8);
    const leader = processNamed(world, await clusterOf(world).leaderOf(tenant));
    await leader.kill();
    return { target: `${leader.name}, leader of ${tenant}`, lastsMs, end: () => leader.restart() };
  },
};

/** `kill -9` of two of three brokers: no log has a leader, and nothing is acknowledged, until one of them is back. */
export const killQuorum: Fault = {
  name: "kill -9 of two of three brokers",
  weight: 1,
  hits: "broker",
  recoversWithinMs: 20_000,
  missing: withoutCluster,
  async begin({ world, random }) {
    const brokers = processesOf(world, "broker");
    const stays = choose(random, brokers);
    const lastsMs = seconds(random, 3, 15);
    const killed = brokers.filter((broker) => broker !== stays);
    await Promise.all(killed.map((broker) => broker.kill()));
    // One that starts alone follows nobody: both are started at once.
    const end = async (): Promise<void> => void (await Promise.all(killed.map((broker) => broker.restart())));
    return { target: killed.map(({ name }) => name).join(", "), lastsMs, end };
  },
};
