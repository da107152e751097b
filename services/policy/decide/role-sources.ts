import { groupPrincipal } from "#shared/contract/principal.ts";
import { boundRoles, type Subject } from "./resolve-subject.ts";
import { hasRole } from "./role-set.ts";
import type { Snapshot } from "./snapshot.ts";

/** Every role that a subject has at `now`, in the document's order, and how it comes by each. */
export function roleSources(snapshot: Snapshot, subject: Subject, now: number): Map<string, string[]> {
  const given = Map.groupBy(givenRoles(snapshot, subject, now), ({ role }) => role);
  const sources = new Map<string, string[]>();
  for (const [role, bit] of snapshot.roleBits) {
    const heirs = [...given.keys()].filter((heir) => heir !== role && inherits(snapshot, heir, bit));
    const via = [...(given.get(role) ?? []).map((each) => each.via), ...heirs.map((heir) => `inherited by ${heir}`)];
    if (via.length > 0) sources.set(role, [...new Set(via)]);
  }
  return sources;
}

function givenRoles(snapshot: Snapshot, { id, groups, roles }: Subject, now: number) {
  const byName = boundRoles(snapshot, id, now);
  const how = byName.source === "http" ? "set over HTTP" : "bound by name";
  const byGroup = groups.flatMap((group) =>
    (snapshot.documentBindings.get(groupPrincipal(group)) ?? [])
      .filter(({ until }) => until > now)
      .map(({ role }) => ({ role, via: `bound to ${groupPrincipal(group)}` })),
  );
  const byToken = roles.map((role) => ({ role, via: "token" }));
  return [...byName.roles.map((role) => ({ role, via: how })), ...byGroup, ...byToken];
}

function inherits({ lineages, roleBits }: Snapshot, heir: string, bit: number): boolean {
  const lineage = lineages[roleBits.get(heir) ?? -1];
  return lineage !== undefined && hasRole(lineage, bit);
}
