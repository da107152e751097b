import { type Fault, seconds } from "../fault.ts";
import { TENANTS } from "../world.ts";

/** All brokers come back with their stores of a few seconds ago: what was acknowledged since then is gone. */
export const restoredStore: Fault = {
  name: "brokers come back with an old copy of their stores",
  weight: 1,
  hits: undefined,
  recoversWithinMs: 30_000,
  async begin({ world, traffic, random }) {
    const lastsMs = seconds(random, 4, 8);
    const goOn = await traffic.holdChanges();
    await world.stores.copy();
    return {
      target: "all brokers",
      lastsMs,
      async end() {
        await world.stores.restore(() => {
          for (const tenant of TENANTS) traffic.noteCause(tenant, "reset", "tail_lost");
        });
        await goOn();
      },
    };
  },
};
