import type { EventAttributes } from "#shared/contract/event-condition.ts";
import { askedBy } from "./decide-question.ts";
import { ruleHolds } from "./fill-rule.ts";
import { decodeGrant } from "./grant.ts";
import { resolveSubject, type Subject } from "./resolve-subject.ts";
import { intersects } from "./role-set.ts";
import type { Snapshot } from "./snapshot.ts";

/**
 * The fields that an event which the subject may see is delivered without, sorted: those that all rules name which let it through. None where one
 * of them shows the whole.
 */
export function maskOf(
  snapshot: Snapshot,
  subject: Subject,
  { topic, attributes }: { readonly topic: string; readonly attributes: EventAttributes },
  now: number,
): readonly string[] {
  const { permission, events: [event] = [] } = askedBy(snapshot, { of: "event", topic, attributes }) ?? {};
  if (permission === undefined || event === undefined) return [];
  const grant = decodeGrant(snapshot, resolveSubject(snapshot, subject, now).id);
  const { allow, limited } = snapshot.rowOf(permission);
  if (intersects(allow, grant.roles)) return [];
  const holding = limited.filter((rule) => rule.effect === "allow" && ruleHolds(rule, grant, event));
  const [first = [], ...others] = holding.map(({ mask }) => mask ?? []);
  return others.reduce((hidden, mask) => hiddenByBoth(hidden, mask), first).toSorted();
}

/** What two masks hide both: of a field and one within it the inner one. */
function hiddenByBoth(a: readonly string[], b: readonly string[]): readonly string[] {
  return [...new Set(a.flatMap((one) => b.flatMap((other) => innerPath(one, other) ?? [])))];
}

/** The path of what stands under both paths, in which `*` is any name; undefined where nothing does. */
function innerPath(a: string, b: string): string | undefined {
  const [left, right] = [a.split("."), b.split(".")];
  const inner: string[] = [];
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const [l = "*", r = "*"] = [left[index], right[index]];
    if (l !== "*" && r !== "*" && l !== r) return undefined;
    inner.push(l === "*" ? r : l);
  }
  return inner.join(".");
}
