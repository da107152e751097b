import { groupPrincipal } from "#shared/contract/principal.ts";
import { boundRoles, type Subject } from "./resolve-subject.ts";
import { rolesIn } from "./role-set.ts";
import type { Snapshot } from "./snapshot.ts";

/** With 2 048 roles in a row, each inheriting the next, all heirs of all roles took 87 MB. */
const MAX_NAMED_HEIRS = 16;

/** The roles that give a subject another one by inheritance: some of them, and how many there are. */
interface Heirs {
  readonly named: string[];
  count: number;
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
  for (const role of given) {
    const own = roleBits.get(role) ?? -1;
    for (const bit of rolesIn(lineages[own] ?? 0)) {
      if (bit === own) continue;
      const known = heirs.get(bit) ?? { named: [], count: 0 };
      known.count += 1;
      if (known.count <= MAX_NAMED_HEIRS) known.named.push(role);
      heirs.set(bit, known);
    }
  }
  return heirs;
}

function viaHeirs({ named, count }: Heirs = { named: [], count: 0 }): string[] {
  const more = count - named.length;
  return [
    ...named.map((heir) => `inherited by ${heir}`),
    ...(more > 0 ? [`inherited by ${more} more ${more === 1 ? "role" : "roles"}`] : []),
  ];
}
