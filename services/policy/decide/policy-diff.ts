import type { Principal } from "#shared/contract/principal.ts";
import { type PolicyDocument, ruleText, type TrustedIssuer } from "../document/policy-document.ts";
import { type BoundRole, boundOtherwise, type Snapshot } from "./snapshot.ts";
import { changedSubjects } from "./subject-roles.ts";

/** What a policy says: its document, the bindings of it that have not ended, and the roles set over HTTP. */
export type PolicySource = Pick<Snapshot, "document" | "documentBindings" | "httpBindings">;

/** What a difference is about. */
export const DIFFERENCE_KINDS = [
  "role",
  "inherits",
  "allow",
  "deny",
  "binding",
  "attribute",
  "trust",
  "subject",
  "event",
  "event-order",
  "route",
  "route-order",
] as const;

/** One thing that two policies differ in. */
export interface Difference {
  readonly change: "added" | "removed" | "changed";
  readonly kind: (typeof DIFFERENCE_KINDS)[number];
  /** The role, subject, event pattern or route; empty for an order. */
  readonly name: string;
  readonly before?: string | undefined;
  readonly after?: string | undefined;
}

/** What two policies differ in, as far as it is worth keeping. */
export interface PolicyDiff {
  readonly differences: readonly Difference[];
  /** How many more there are. */
  readonly more: number;
}

/**
 * A statement of a policy. Of `attribute`, `trust`, `event`, `route` and `subject` there is one for each name, the
 * rest are sets.
 */
interface Fact {
  readonly kind: Difference["kind"];
  readonly name: string;
  readonly text: string;
}

/** What of two policies is compared; the rest is the same. */
interface Compared {
  readonly document: boolean;
  /** To whom documents may bind other roles. */
  readonly bound: ReadonlySet<Principal>;
  readonly subjects: readonly string[];
}

/** Every kept version carries its diff, so that it must stay small beside the document. */
const MAX_DIFFERENCES = 50;
const MAX_TEXT = 200;

/** What `after` says otherwise than `before`, comments and spelling aside; bounded, for keeping and for people. */
export function diffPolicies(before: PolicySource, after: PolicySource): PolicyDiff {
  const subjects = changedSubjects(before.httpBindings, after.httpBindings, MAX_DIFFERENCES);
  const all = compare(before, after, subjects.some);
  const differences = all.slice(0, MAX_DIFFERENCES).map(({ change, kind, name, before: was, after: is }) => ({
    change,
    kind,
    name: shorten(name),
    ...(was === undefined ? {} : { before: shorten(was) }),
    ...(is === undefined ? {} : { after: shorten(is) }),
  }));
  return { differences, more: all.length - differences.length + (subjects.count - subjects.some.length) };
}

/** Everything that `after` says otherwise than `before`. */
export function differencesOf(before: PolicySource, after: PolicySource): Difference[] {
  return compare(
    before,
    after,
    changedSubjects(before.httpBindings, after.httpBindings, Number.POSITIVE_INFINITY).some,
  );
}

/** Of what is bound over HTTP only `subjects` are compared, and of a document that both have nothing. */
function compare(before: PolicySource, after: PolicySource, subjects: readonly string[]): Difference[] {
  const isSameDocument = before.document === after.document;
  const compared = { document: !isSameDocument, bound: new Set(boundOtherwise(before, after)), subjects };
  const [was, is] = [factsOf(before, compared), factsOf(after, compared)];
  const facts = [
    ...[...was].filter(([key]) => !is.has(key)).map(([, fact]) => removed(fact)),
    ...[...is].flatMap(([key, fact]) => added(fact, was.get(key))),
  ];
  if (isSameDocument) return facts;
  return [
    ...facts,
    ...orderDifference("event-order", eventNames(before), eventNames(after)),
    ...orderDifference("route-order", routeNames(before), routeNames(after)),
  ];
}

/** A difference as one line for people. */
export function differenceText({ change, kind, name, before, after }: Difference): string {
  const sign = { added: "+", removed: "-", changed: "~" }[change];
  const values = [before, after].filter((value) => value !== undefined && value !== "").join(" → ");
  return [sign, kind, ...[name, values].filter((part) => part !== "")].join(" ");
}

function removed({ kind, name, text }: Fact): Difference {
  return { change: "removed", kind, name, before: text };
}

function added({ kind, name, text }: Fact, earlier: Fact | undefined): Difference[] {
  if (earlier === undefined) return [{ change: "added", kind, name, after: text }];
  return earlier.text === text ? [] : [{ change: "changed", kind, name, before: earlier.text, after: text }];
}

function factsOf({ document, documentBindings, httpBindings }: PolicySource, compared: Compared): Map<string, Fact> {
  const bound = [...documentBindings].filter(([name]) => compared.bound.has(name));
  const sets: Fact[] = [
    ...(compared.document ? roleFacts(document) : []),
    ...bound.flatMap(([name, held]) =>
      held.map((each) => ({ kind: "binding" as const, name, text: bindingText(each) })),
    ),
  ];
  const named: Fact[] = [
    ...compared.subjects.flatMap((name) => {
      const held = httpBindings.get(name);
      return held === undefined ? [] : [{ kind: "subject" as const, name, text: listText(held) }];
    }),
    ...(compared.document ? namedFacts(document) : []),
  ];
  return new Map([
    ...sets.map((fact): [string, Fact] => [JSON.stringify([fact.kind, fact.name, fact.text]), fact]),
    ...named.map((fact): [string, Fact] => [JSON.stringify([fact.kind, fact.name]), fact]),
  ]);
}

function roleFacts({ roles }: PolicyDocument): Fact[] {
  return [...roles].flatMap(([name, { inherits, allow, deny }]) => [
    { kind: "role" as const, name, text: "" },
    ...inherits.map((parent) => ({ kind: "inherits" as const, name, text: parent })),
    ...allow.map((rule) => ({ kind: "allow" as const, name, text: ruleText(rule) })),
    ...deny.map((rule) => ({ kind: "deny" as const, name, text: ruleText(rule) })),
  ]);
}

function namedFacts({ attributes, trust, events, routes }: PolicyDocument): Fact[] {
  return [
    ...Array.from(attributes).flatMap(([subject, held]) =>
      Array.from(held, ([name, values]) => ({
        kind: "attribute" as const,
        name: `${subject} ${name}`,
        text: listText(values),
      })),
    ),
    ...trust.map((each) => ({ kind: "trust" as const, name: each.issuer, text: trustText(each) })),
    ...events.map(({ pattern, permission }) => ({ kind: "event" as const, name: pattern, text: permission })),
    // Of two routes with one method and path the first wins, and in a map the last: so from the back.
    ...routes.toReversed().map((route) => ({
      kind: "route" as const,
      name: routeName(route),
      text: [route.permission, ...route.topics].join(" "),
    })),
  ];
}

function trustText({ roles, groups, attributes }: TrustedIssuer): string {
  const named = typeof attributes === "boolean" ? "" : ` ${attributes.join(", ")}`;
  const hasAttributes = typeof attributes === "boolean" ? attributes : attributes.length > 0;
  const parts = [roles ? "roles" : [], groups ? "groups" : [], hasAttributes ? `attributes${named}` : []].flat();
  return parts.join(" and ") || "nothing";
}

function bindingText({ role, until }: BoundRole): string {
  const name = listText([role]);
  return until === Number.POSITIVE_INFINITY ? name : `${name} until ${new Date(until).toISOString()}`;
}

/** Different lists have different texts: what is more than a word is quoted. */
function listText(words: readonly string[]): string {
  return words.map((word) => (/^[^\s",]+$/u.test(word) ? word : JSON.stringify(word))).join(", ");
}

/** The first match wins, so that the order of what both have counts too. */
function orderDifference(kind: Difference["kind"], before: string[], after: string[]): Difference[] {
  const [was, is] = [new Set(before), new Set(after)];
  const [kept, now] = [[...was].filter((name) => is.has(name)), [...is].filter((name) => was.has(name))];
  const first = kept.findIndex((name, index) => name !== now[index]);
  if (first === -1) return [];
  const end = kept.findLastIndex((name, index) => name !== now[index]) + 1;
  const moved = (names: string[]): string => names.slice(first, end).join(", ");
  return [{ change: "changed", kind, name: "", before: moved(kept), after: moved(now) }];
}

function eventNames({ document }: PolicySource): string[] {
  return document.events.map(({ pattern }) => pattern);
}

function routeNames({ document }: PolicySource): string[] {
  return document.routes.map(routeName);
}

function routeName({ method, path }: PolicyDocument["routes"][number]): string {
  return `${method} ${path}`;
}

function shorten(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text;
}
