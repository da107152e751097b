import { choose, type Fault, seconds } from "../fault.ts";
import { processesOf } from "../world.ts";

/** A broker whose disk has no room; it is given room and started again. */
export const diskFull: Fault = {
  name: "full disk of a broker",
  weight: 1,
  hits: "broker",
  recoversWithinMs: 20_000,
  missing: (world) =>
    processesOf(world, "broker").some((broker) => world.diskOf(broker) === undefined)
      ? "nothing may be mounted here"
      : undefined,
  async begin({ world, random }) {
    const broker = choose(random, processesOf(world, "broker"));
    const lastsMs = seconds(random, 5, 15);
    await world.diskOf(broker)?.fill();
    return {
      target: broker.name,
      lastsMs,
      async end() {
        await world.diskOf(broker)?.free();
        // nats-server writes again only after a restart.
        await broker.restart();
      },
    };
  },
};
