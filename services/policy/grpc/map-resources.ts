import { mapInTurns } from "../work/turns.ts";
import type { MapResourcesRequest, MapResourcesResponse } from "#proto/policy/v1/decision.ts";
import type { DecisionDeps } from "./decision-deps.ts";
import { readTenant, readVersion, requireCount } from "./read-request.ts";

/** Answers the topics that report changes of each path: those of the route that a GET of it takes. */
export async function mapResources(
  { snapshots }: Pick<DecisionDeps, "snapshots">,
  { tenant, paths, atLeast }: MapResourcesRequest,
): Promise<MapResourcesResponse> {
  requireCount("paths", paths.length);
  const { version, matchRoute } = await snapshots.atLeast(readTenant(tenant), readVersion(atLeast));
  const resources = await mapInTurns(paths, (path) => ({ topics: [...(matchRoute("GET", path)?.topics ?? [])] }));
  return { version, resources };
}
