import { choose, type Fault, seconds } from "../fault.ts";
import { TENANTS } from "../world.ts";
import { startCrowd } from "./storm.ts";

/** Changes of rights of people who have no stream: 50 a second are 3 000 a minute. */
const PER_SECOND = 50;

/** Thousands of changes of rights a minute in one tenant. */
export const policyStorm: Fault = {
  name: "storm of changes of rights",
  weight: 1,
  hits: "policy",
  recoversWithinMs: 15_000,
  async begin({ world, random }) {
    const tenant = choose(random, TENANTS);
    const lastsMs = seconds(random, 5, 15);
    const crowd = startCrowd(PER_SECOND, 16, (n) =>
      world.calls.setRoles(`p${n % 100}`, [n % 3 === 0 ? "maintainer" : "triager"], tenant),
    );
    return { target: `${tenant}, ${PER_SECOND} a second`, lastsMs, end: async () => void (await crowd.stop()) };
  },
};
