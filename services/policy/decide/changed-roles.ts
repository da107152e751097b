import { inheritanceGroups } from "../document/inheritance.ts";
import { type PolicyDocument, ruleText } from "../document/policy-document.ts";

type Roles = PolicyDocument["roles"];

/** Numbers of rules, as bits. */
type RuleSet = Uint32Array;

/** The roles that have other rules than before, inherited ones included; sorted. A role that is not there has none. */
export function changedRoles(before: Roles, after: Roles): string[] {
  // A change of bindings keeps the document.
  if (before === after) return [];
  const numbers = new Map<string, number>();
  const [ownBefore, ownAfter] = [numberedRules(before, numbers), numberedRules(after, numbers)];
  const words = Math.ceil(numbers.size / 32);
  const [was, is] = [withInherited(before, ownBefore, words), withInherited(after, ownAfter, words)];
  const none = new Uint32Array(words);
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].filter((name) => !isSame(was.get(name) ?? none, is.get(name) ?? none)).toSorted();
}

/** The numbers of each role's own rules; equal rules have one number. */
function numberedRules(roles: Roles, numbers: Map<string, number>): Map<string, number[]> {
  const numberOf = (text: string): number => {
    const number = numbers.get(text) ?? numbers.size;
    numbers.set(text, number);
    return number;
  };
  return new Map(
    Array.from(roles, ([name, { allow, deny }]) => [
      name,
      [...allow.map((rule) => numberOf(`+${ruleText(rule)}`)), ...deny.map((rule) => numberOf(`-${ruleText(rule)}`))],
    ]),
  );
}

/** Each role's rules with all that it inherits. A role comes after what it inherits, whose sets are ready then. */
function withInherited(roles: Roles, own: ReadonlyMap<string, readonly number[]>, words: number): Map<string, RuleSet> {
  const parentsOf = new Map(Array.from(roles, ([name, { inherits }]) => [name, inherits]));
  const all = new Map<string, RuleSet>();
  for (const name of inheritanceGroups(parentsOf).flat()) {
    const rules = new Uint32Array(words);
    for (const number of own.get(name) ?? []) addTo(rules, number);
    for (const parent of parentsOf.get(name) ?? []) addAll(rules, all.get(parent));
    all.set(name, rules);
  }
  return all;
}

function addTo(rules: RuleSet, number: number): void {
  rules[number >>> 5] = (rules[number >>> 5] ?? 0) | (1 << (number & 31));
}

function addAll(rules: RuleSet, others: RuleSet | undefined): void {
  if (others === undefined) return;
  for (let word = 0; word < rules.length; word += 1) rules[word] = (rules[word] ?? 0) | (others[word] ?? 0);
}

function isSame(a: RuleSet, b: RuleSet): boolean {
  return a.every((word, index) => word === b[index]);
}
