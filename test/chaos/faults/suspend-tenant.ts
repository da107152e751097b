import { choose, type Fault, seconds } from "../fault.ts";
import { retry } from "../retry.ts";
import { TENANTS, type World } from "../world.ts";

/** A tenant is suspended, and resumed: the other one notices nothing. */
export const suspendTenant: Fault = {
  name: "suspension of a tenant",
  weight: 1,
  hits: "policy",
  recoversWithinMs: 20_000,
  async begin({ world, random }) {
    const tenant = choose(random, TENANTS);
    const lastsMs = seconds(random, 3, 8);
    await operate(world, `${tenant}/suspend`);
    return { target: tenant, lastsMs, end: () => operate(world, `${tenant}/resume`) };
  },
};

function operate({ calls }: World, path: string): Promise<void> {
  return retry(() => calls.carryOut("POST", path));
}
