import { tenantPath } from "../http/api-client.ts";
import { useQuery } from "../http/use-query.ts";
import { useConsole, useTenant } from "./console-context.ts";

/** As many are suggested. */
const MAX_SUGGESTED = 100;

/** People that the tenant's policy names, for suggestions: an empty list until they are known. */
export function usePeople(): readonly string[] {
  const { api } = useConsole();
  const tenant = useTenant() ?? "";
  const read = (signal: AbortSignal): Promise<{ readonly people: readonly { readonly who: string }[] }> =>
    api.get(tenantPath(tenant, "policy", "visibility"), { parameters: { limit: String(MAX_SUGGESTED) }, signal });
  const named = useQuery(tenant === "" ? undefined : `people ${tenant}`, read);
  if (named.state !== "ready") return [];
  return named.value.people.flatMap(({ who }) => (/^(group|role):/.test(who) ? [] : [who]));
}
