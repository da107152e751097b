import { choose, type Fault, seconds } from "../fault.ts";
import { clusterOf, processNamed, TENANTS, withoutCluster } from "../world.ts";

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
