import { groupPrincipal } from "#shared/contract/principal.ts";
import { boundRoles, type Subject } from "./resolve-subject.ts";
import { addRole, rolesIn, wordsFor } from "./role-set.ts";
import type { Snapshot } from "./snapshot.ts";

/** With 2 048 roles in a row, each inheriting the next, all heirs of all roles took 87 MB, and counting them 0.1 s. */
const MAX_NAMED_HEIRS = 4;

/** The roles that give a subject another one by inheritance: some of them, and whether there are more. */
interface Heirs {
  readonly named: string[];
  readonly hasMore: boolean;
}

/** Every role that a subject has at `now`, in the document's order, and how it comes by each. */
export function roleSources(snapshot: Snapshot, subject: Subject, now: number): Map<string, string[]> {
  const given = Map.groupBy(givenRoles(snapshot, subject, now), ({ role }) => role);
  const heirs = heirsByRole(snapshot, given.keys());
  const sources = new Map<string, string[]>();
  for (const [role, bit] of snapshot.roleBits) {
    const via = [...(given.get(role) ?? []).map((each) => each.via), ...viaHeirs(heirs.get(bit))];
    if (via.length > 0) sources.set(role, [...new Set(via)]);
  }
  return sources;
}

function givenRoles(snapshot: Snapshot, { id, groups, roles }: Subject, now: number) {
  const byName = boundRoles(snapshot, id, now);
  const how = byName.source === "http" ? "set over HTTP" : "bound by name";
  const byGroup = [...new Set(groups)].flatMap((group) =>
    (snapshot.documentBindings.get(groupPrincipal(group)) ?? [])
      .filter(({ until }) => until > now)
      .map(({ role }) => ({ role, via: `bound to ${groupPrincipal(group)}` })),
  );
  const byToken = roles.map((role) => ({ role, via: "token" }));
  return [...byName.roles.map((role) => ({ role, via: how })), ...byGroup, ...byToken];
}

/** For each role's bit. A token's roles that the document does not define give nothing. */
function heirsByRole({ lineages, roleBits }: Snapshot, given: Iterable<string>): Map<number, Heirs> {
  const heirs = new Map<number, Heirs>();
  // What has more heirs than are named is not looked at any more.
  const full = new Int32Array(wordsFor(roleBits.size));
  for (const role of given) {
    const own = roleBits.get(role) ?? -1;
    for (const bit of rolesIn(lineages[own] ?? 0, full)) {
      if (bit === own) continue;
      const { named = [] } = heirs.get(bit) ?? {};
      const hasMore = named.length === MAX_NAMED_HEIRS;
      if (hasMore) addRole(full, bit);
      else named.push(role);
      heirs.set(bit, { named, hasMore });
    }
  }
  return heirs;
}

function viaHeirs({ named, hasMore }: Heirs = { named: [], hasMore: false }): string[] {
  return [...named.map((heir) => `inherited by ${heir}`), ...(hasMore ? ["inherited by more roles"] : [])];
}
