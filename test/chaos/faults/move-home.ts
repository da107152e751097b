import { type Fault, seconds } from "../fault.ts";
import type { Home, World } from "../world.ts";

/** The home is given to the other region, as planned, and the region of before mirrors it: sessions end with that, and nothing is lost. */
export const moveHome: Fault = {
  name: "planned promotion of the other region",
  weight: 1,
  hits: undefined,
  recoversWithinMs: 30_000,
  missing: ({ home }) => (home === undefined ? "there is one region" : undefined),
  async begin({ world, random }) {
    const lastsMs = seconds(random, 1, 5);
    const region = await homeOf(world).promote();
    return { target: region, lastsMs, end: () => homeOf(world).rejoin() };
  },
};

function homeOf({ home }: World): Home {
  if (home === undefined) throw new Error("there is one region");
  return home;
}
