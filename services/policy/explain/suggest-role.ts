import { decide } from "../decide/decide.ts";
import { askedBy } from "../decide/decide-question.ts";
import { decodeGrant, withInherited } from "../decide/grant.ts";
import { boundRoles, resolveSubject } from "../decide/resolve-subject.ts";
import { hasRole, rolesIn } from "../decide/role-set.ts";
import { ownerAt, ruleAt } from "../decide/rule-table.ts";
import type { Snapshot } from "../decide/snapshot.ts";
import { trustedSubject } from "../decide/trusted-subject.ts";
import { mapInTurns } from "../work/turns.ts";
import type { Asking } from "./decided.ts";
import type { Suggestion } from "./suggestion.ts";

const MAX_EFFECTS = 50;

/**
 * The role with the fewest rules that, bound to the subject, lets it see the event now; undefined where none does. Each is tried
 * before.
 */
export async function suggestRole(snapshot: Snapshot, asking: Asking, now: number): Promise<Suggestion | undefined> {
  const { topic, attributes, subject, ownIssuer } = asking;
  const { permission, events: [event] = [] } = askedBy(snapshot, { of: "event", topic, attributes }) ?? {};
  if (permission === undefined || event === undefined) return undefined;
  const trusted = trustedSubject(snapshot, subject, ownIssuer);
  const bound = boundRoles(snapshot, subject.id, now).roles;
  const held = withInherited(snapshot, resolveSubject(snapshot, trusted, now).roles);
  const allows = (role: string): boolean => {
    const bindings = new Map([[subject.id, [...bound, role]]]);
    const changed: Snapshot = { ...snapshot, httpBindings: bindings };
    return decide(changed, decodeGrant(changed, resolveSubject(changed, trusted, now).id), permission, event);
  };
  const able = rolesAbout(snapshot, permission);
  const tried = await mapInTurns(able, (role) => (allows(role) ? role : undefined));
  const weights = rulesByRole(snapshot);
  const weightOf = (role: string): number =>
    rolesIn(withInherited(snapshot, [role])).reduce((sum, bit) => sum + (weights[bit] ?? 0), 0);
  const [best] = tried.filter((role) => role !== undefined).toSorted((a, b) => weightOf(a) - weightOf(b));
  if (best === undefined) return undefined;
  const roles = [...new Set([...bound, best])];
  const tenant = snapshot.document.tenant;
  const path = `/v1/tenants/${tenant}/subjects/${encodeURIComponent(subject.id)}/roles`;
  const gained = rolesIn(withInherited(snapshot, [best])).filter((bit) => !hasRole(held, bit));
  return {
    kind: "bind_role",
    text: `Bind the role ${best} to ${subject.id}.`,
    call: { method: "PUT", path, ifMatch: null, body: { roles } },
    ...effectsOn(subject.id, snapshot, new Set(gained)),
  };
}

/** The roles that allow the permission somewhere, by themselves or by what they inherit. */
function rolesAbout(snapshot: Snapshot, permission: string): string[] {
  const { rules } = snapshot.compiled;
  const owners = [...snapshot.placesAbout(permission)].map((place) => ownerAt(rules, place));
  const allowing = new Set(owners.filter(({ effect }) => effect === "allow").map(({ role }) => role));
  return snapshot.roleNames.filter((_, bit) => rolesIn(snapshot.lineages[bit] ?? 0).some((each) => allowing.has(each)));
}

function rulesByRole({ compiled, roleNames }: Snapshot): number[] {
  const counts = roleNames.map(() => 0);
  for (const owner of compiled.rules.owners) counts[owner >>> 1] = (counts[owner >>> 1] ?? 0) + 1;
  return counts;
}

/** The rules of the roles that somebody gains: what they allow is gained, what they deny is lost. */
function effectsOn(
  subject: string,
  { compiled: { rules } }: Snapshot,
  gained: ReadonlySet<number>,
): Pick<Suggestion, "effects" | "more"> {
  const places = [...rules.owners.keys()].filter((place) => gained.has(ownerAt(rules, place).role));
  const texts = places.slice(0, MAX_EFFECTS).map((place) => ruleAt(rules, place));
  const of = (effect: string): string[] => [
    ...new Set(texts.filter(({ rule }) => rule.effect === effect).map(({ text }) => text)),
  ];
  return {
    effects: [{ who: [subject], gains: of("allow"), loses: of("deny") }],
    more: Math.max(0, places.length - MAX_EFFECTS),
  };
}
