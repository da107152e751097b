import { SUBJECT_ID, subjectNames } from "../document/condition.ts";
import { inheritanceGroups } from "../document/inheritance.ts";
import type { PolicyDocument, Role } from "../document/policy-document.ts";
import { type BindingTable, tableOfBindings } from "./document-bindings.ts";
import { placeholdersIn } from "./fill-template.ts";
import { addRole, type RoleSet, wordsFor } from "./role-set.ts";
import { type RuleTable, tableOfRules } from "./rule-table.ts";

/** The parts of a document that decisions read as they stand there. */
export type DocumentHead = Pick<PolicyDocument, "tenant" | "attributes" | "trust" | "events" | "routes">;

/** What a document says, compiled. It is plain data: one thread makes it, and another takes it in. */
export interface CompiledDocument extends DocumentHead {
  /** For each role's bit: its name. */
  readonly roleNames: readonly string[];
  /** For each role's bit, one after another: the words of the set of the role and everything it inherits. */
  readonly lineages: Int32Array;
  /** For each role's bit: the subject's attributes that its own rules look at. */
  readonly namesUsed: readonly (readonly string[])[];
  readonly rules: RuleTable;
  readonly bindings: BindingTable;
}

/** Compiles all of a document that its text alone decides. */
export function compileDocument(document: PolicyDocument): CompiledDocument {
  const { tenant, attributes, trust, events, routes, roles } = document;
  return {
    tenant,
    attributes,
    trust,
    events,
    routes,
    roleNames: [...roles.keys()],
    lineages: lineagesOf(roles),
    namesUsed: Array.from(roles.values(), namesUsedBy),
    rules: tableOfRules(document),
    bindings: tableOfBindings(document),
  };
}

/** The sets of roles whose words stand one after another. */
export function lineageSets({ roleNames, lineages }: Pick<CompiledDocument, "roleNames" | "lineages">): RoleSet[] {
  const words = wordsFor(roleNames.length);
  if (words === 1) return Array.from(lineages);
  return roleNames.map((_, bit) => lineages.subarray(bit * words, (bit + 1) * words));
}

/** A role comes after all that it inherits, so that each set is made of ready ones. */
function lineagesOf(roles: PolicyDocument["roles"]): Int32Array {
  const words = wordsFor(roles.size);
  const bits = new Map(Array.from(roles.keys(), (name, bit) => [name, bit]));
  const all = new Int32Array(words * roles.size);
  const wordsOf = (name: string): Int32Array => {
    const bit = bits.get(name) ?? 0;
    return all.subarray(bit * words, (bit + 1) * words);
  };
  const parentsOf = new Map(Array.from(roles, ([name, { inherits }]) => [name, inherits]));
  for (const name of inheritanceGroups(parentsOf).flat()) {
    const own = wordsOf(name);
    addRole(own, bits.get(name) ?? 0);
    for (const parent of parentsOf.get(name) ?? []) addAll(own, wordsOf(parent));
  }
  return all;
}

function addAll(words: Int32Array, others: Int32Array): void {
  for (let word = 0; word < words.length; word += 1) words[word] = (words[word] ?? 0) | (others[word] ?? 0);
}

function namesUsedBy({ allow, deny }: Role): string[] {
  const names = [...allow, ...deny].flatMap(({ topic = "", when }) => [
    ...placeholdersIn(topic),
    ...(when === undefined ? [] : subjectNames(when)),
  ]);
  return [...new Set(names.map((name) => (name === "sub" ? SUBJECT_ID : name)))];
}
