import type { Steps } from "../work/turns.ts";
import type { LimitedRule } from "./limited-rule.ts";
import { addRole, type RoleSet, wordsFor } from "./role-set.ts";
import { ownerAt, type RuleTable } from "./rule-table.ts";

/** All rules about one permission, by the role that has them. */
export interface Row {
  /** Roles that allow, and roles that deny, it on any topic. */
  readonly allow: RoleSet;
  readonly deny: RoleSet;
  /** Rules that hold on some topics only, on a condition, or with a mask. */
  readonly limited: readonly LimitedRule[];
}

/** Finds the rules about a permission. */
export interface RuleIndex {
  /** Their places, in the document's order. */
  placesAbout(permission: string): Uint32Array;
  /** What they say, role by role. */
  rowOf(permission: string): Row;
}

/** One for all rows without any: a decision that looks at it finds it in the cache. */
const NO_RULES: readonly LimitedRule[] = [];

const PATTERNS_AT_ONCE = 250;

/** Where patterns have a `*`. Documents have few such forms: all patterns that a permission can match are looked up by them. */
interface Form {
  /** How many tokens stand before a `*` at the end, or in all. */
  readonly tokens: number;
  /** Which of these are a `*`. */
  readonly wild: readonly number[];
  /** Whether a `*` stands at the end, for one or more tokens. */
  readonly isOpen: boolean;
}

/**
 * Indexes a table of rules by the patterns of their permissions. With 2 048 roles and as many permissions, comparing each with
 * each took two seconds; a look-up asks once for each form that patterns of the document have. A row is made when it is asked for.
 */
export function* openRules(table: RuleTable, roles: number): Steps<RuleIndex> {
  const indexOf = new Map<string, number>();
  const forms = new Map<string, Form>();
  for (const [index, pattern] of table.patterns.entries()) {
    indexOf.set(pattern, index);
    const form = formOf(pattern);
    forms.set(`${form.tokens} ${form.isOpen} ${form.wild.join()}`, form);
    if (index % PATTERNS_AT_ONCE === 0) yield;
  }
  const all = [...forms.values()];
  const placesAbout = (permission: string): Uint32Array => {
    const tokens = permission.split(":");
    const found = all.flatMap((form) => indexOf.get(patternFor(form, tokens) ?? "") ?? []);
    const { starts, places } = table;
    const parts = found.map((index) => places.subarray(starts[index], starts[index + 1]));
    return parts.length === 1 ? (parts[0] ?? new Uint32Array()) : concatenate(parts).toSorted();
  };
  return { placesAbout, rowOf: (permission) => rowOf(table, placesAbout(permission), roles) };
}

function rowOf(table: RuleTable, places: Uint32Array, roles: number): Row {
  const sets = { allow: new Int32Array(wordsFor(roles)), deny: new Int32Array(wordsFor(roles)) };
  const limited: LimitedRule[] = [];
  for (const place of places) {
    const rule = table.special.get(place)?.rule;
    if (rule !== undefined && isLimited(rule)) limited.push(rule);
    else {
      const { role, effect } = ownerAt(table, place);
      addRole(sets[effect], role);
    }
  }
  return {
    allow: setOf(sets.allow),
    deny: setOf(sets.deny),
    limited: limited.length === 0 ? NO_RULES : limited,
  };
}

function setOf(words: Int32Array): RoleSet {
  return words.length === 1 ? (words[0] ?? 0) : words;
}

function isLimited({ template, when, mask }: LimitedRule): boolean {
  return template !== ">" || (when ?? mask) !== undefined;
}

function formOf(pattern: string): Form {
  const tokens = pattern.split(":");
  const isOpen = tokens.at(-1) === "*";
  const before = isOpen ? tokens.slice(0, -1) : tokens;
  return { tokens: before.length, wild: before.flatMap((token, index) => (token === "*" ? [index] : [])), isOpen };
}

/** The pattern of this form that a permission matches; undefined where it matches none. */
function patternFor({ tokens: count, wild, isOpen }: Form, tokens: readonly string[]): string | undefined {
  if (isOpen ? tokens.length <= count : tokens.length !== count) return undefined;
  const filled = tokens.slice(0, count);
  for (const index of wild) filled[index] = "*";
  if (isOpen) filled.push("*");
  return filled.join(":");
}

function concatenate(parts: readonly Uint32Array[]): Uint32Array {
  const all = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
