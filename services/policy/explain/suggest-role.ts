import { decide } from "../decide/decide.ts";
import { askedBy } from "../decide/decide-question.ts";
import { decodeGrant, withInherited } from "../decide/grant.ts";
import { boundRoles, resolveSubject } from "../decide/resolve-subject.ts";
import { hasRole, intersects, rolesIn } from "../decide/role-set.ts";
import { ownerAt, ruleAt } from "../decide/rule-table.ts";
import type { Snapshot } from "../decide/snapshot.ts";
import { trustedSubject } from "../decide/trusted-subject.ts";
import { mapInTurns } from "../work/turns.ts";
import type { Asking } from "./decided.ts";
import { leastRole, ownersOf } from "./least-role.ts";
import type { Suggestion } from "./suggestion.ts";

const MAX_EFFECTS = 50;

/** The role that gives the least of those that, bound to the subject, let it see the event now; undefined where none does. Each is tried before. */
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
  const best = await leastRole(
    snapshot,
    tried.filter((role) => role !== undefined),
  );
  if (best === undefined) return undefined;
  const roles = [...new Set([...bound, best])];
  const tenant = snapshot.document.tenant;
  const path = `/v1/tenants/${tenant}/subjects/${encodeURIComponent(subject.id)}/roles`;
  const gained = rolesIn(withInherited(snapshot, [best])).filter((bit) => !hasRole(held, bit));
  return {
    kind: "bind_role",
    text: `Bind the role ${best} to ${subject.id}.`,
    // The roles are all that the subject is to have: one that is taken away meanwhile must not come back with them.
    call: { method: "PUT", path, ifMatch: snapshot.version.number, body: { roles } },
    ...effectsOn(subject.id, snapshot, new Set(gained)),
  };
}

/** The roles that allow the permission somewhere, by themselves or by what they inherit. */
export function rolesAbout(snapshot: Snapshot, permission: string): string[] {
  const owners = ownersOf(snapshot, permission);
  return snapshot.roleNames.filter((_, bit) => intersects(snapshot.lineages[bit] ?? 0, owners));
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
