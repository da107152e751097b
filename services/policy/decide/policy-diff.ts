import { type PolicyDocument, ruleText, type TrustedIssuer } from "../document/policy-document.ts";
import type { BoundRole, Snapshot } from "./snapshot.ts";

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

/** Every kept version carries its diff, so that it must stay small beside the document. */
const MAX_DIFFERENCES = 50;
const MAX_TEXT = 200;

/** What `after` says otherwise than `before`, comments and spelling aside; bounded, for keeping and for people. */
export function diffPolicies(before: PolicySource, after: PolicySource): PolicyDiff {
  const all = differencesOf(before, after);
  const differences = all.slice(0, MAX_DIFFERENCES).map(({ change, kind, name, before: was, after: is }) => ({
    change,
    kind,
    name: shorten(name),
    ...(was === undefined ? {} : { before: shorten(was) }),
    ...(is === undefined ? {} : { after: shorten(is) }),
  }));
  return { differences, more: all.length - differences.length };
}

/** Everything that `after` says otherwise than `before`. */
export function differencesOf(before: PolicySource, after: PolicySource): Difference[] {
  const [was, is] = [factsOf(before), factsOf(after)];
  return [
    ...[...was].filter(([key]) => !is.has(key)).map(([, fact]) => removed(fact)),
    ...[...is].flatMap(([key, fact]) => added(fact, was.get(key))),
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

function factsOf({ document, documentBindings, httpBindings }: PolicySource): Map<string, Fact> {
  const { roles, attributes, trust, events, routes } = document;
  const sets: Fact[] = [
    ...[...roles].flatMap(([name, { inherits, allow, deny }]) => [
      { kind: "role" as const, name, text: "" },
      ...inherits.map((parent) => ({ kind: "inherits" as const, name, text: parent })),
      ...allow.map((rule) => ({ kind: "allow" as const, name, text: ruleText(rule) })),
      ...deny.map((rule) => ({ kind: "deny" as const, name, text: ruleText(rule) })),
    ]),
    ...Array.from(documentBindings).flatMap(([name, bound]) =>
      bound.map((each) => ({ kind: "binding" as const, name, text: bindingText(each) })),
    ),
  ];
  const named: Fact[] = [
    ...Array.from(httpBindings, ([name, held]) => ({ kind: "subject" as const, name, text: listText(held) })),
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
  return new Map([
    ...sets.map((fact): [string, Fact] => [JSON.stringify([fact.kind, fact.name, fact.text]), fact]),
    ...named.map((fact): [string, Fact] => [JSON.stringify([fact.kind, fact.name]), fact]),
  ]);
}

function trustText({ roles, groups }: TrustedIssuer): string {
  return [roles ? "roles" : [], groups ? "groups" : []].flat().join(" and ") || "nothing";
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
