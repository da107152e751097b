import { startClusterWorld } from "./rigs/start-cluster-world.ts";
import { startRegionsWorld } from "./rigs/start-regions-world.ts";
import { startSingleWorld } from "./rigs/start-single-world.ts";
import type { World } from "./world.ts";

/** The stacks that faults can be done to, by the name that `--on` takes. */
export const WORLDS: Readonly<Record<string, () => Promise<World>>> = {
  cluster: startClusterWorld,
  regions: startRegionsWorld,
  single: startSingleWorld,
};
