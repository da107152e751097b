import type { Principal } from "#shared/contract/principal.ts";
import { type PolicyDocument, ruleText, type TrustedIssuer } from "../document/policy-document.ts";
import { type BoundRole, boundOtherwise, type DocumentBound, type EndedBindings } from "./document-bindings.ts";
import { type ChangedSubjects, changedSubjects, type HttpBindings } from "./subject-roles.ts";

/** What a policy says: its document, the bindings of it that have not ended, and the roles set over HTTP. */
export interface PolicySource extends BoundSource {
  readonly document: PolicyDocument;
}

/** Who has which roles, by the document and over HTTP. */
export interface BoundSource extends Pick<DocumentBound, "documentBindings"> {
  readonly httpBindings: HttpBindings;
}

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

/** Whose roles two policies may bind otherwise, by their documents and over HTTP. */
interface Compared {
  readonly bound: readonly Principal[];
  readonly subjects: readonly string[];
}

/** Every kept version carries its diff, so that it must stay small beside the document. */
const MAX_DIFFERENCES = 50;
const MAX_TEXT = 200;

/** What `after` says otherwise than `before`, comments and spelling aside; bounded, for keeping and for people. */
export function diffPolicies(before: PolicySource, after: PolicySource): PolicyDiff {
  const subjects = changedSubjects(before.httpBindings, after.httpBindings, MAX_DIFFERENCES);
  return bounded(compare(before, after, subjects.some), subjects.count - subjects.some.length);
}

/** The same for two policies with one document: `changed` are the subjects that changed over HTTP, `ended` what it bound. */
export function diffBound(
  before: BoundSource,
  after: BoundSource,
  { changed, ended }: { readonly changed: ChangedSubjects; readonly ended: EndedBindings },
): PolicyDiff {
  const compared = {
    bound: ended.some.slice(0, MAX_DIFFERENCES),
    subjects: changed.some.slice(0, MAX_DIFFERENCES),
  };
  const [was, is] = [boundFacts(before, compared), boundFacts(after, compared)];
  const shown = compareFacts(factsByKey(was), factsByKey(is));
  const shownEnds = shown.filter(({ kind }) => kind === "binding").length;
  return bounded(shown, ended.count - shownEnds + (changed.count - compared.subjects.length));
}

/** The first of all differences, in texts of some length, and how many there are beyond them: `more` were never compared. */
function bounded(all: readonly Difference[], more: number): PolicyDiff {
  const differences = all.slice(0, MAX_DIFFERENCES).map(({ change, kind, name, before: was, after: is }) => ({
    change,
    kind,
    name: shorten(name),
    ...(was === undefined ? {} : { before: shorten(was) }),
    ...(is === undefined ? {} : { after: shorten(is) }),
  }));
  return { differences, more: all.length - differences.length + more };
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
  const compared = { bound: boundOtherwise(before, after), subjects };
  const factsOf = (source: PolicySource): Map<string, Fact> =>
    factsByKey([
      ...(isSameDocument ? [] : roleFacts(source.document)),
      ...boundFacts(source, compared),
      ...(isSameDocument ? [] : namedFacts(source.document)),
    ]);
  const facts = compareFacts(factsOf(before), factsOf(after));
  if (isSameDocument) return facts;
  return [
    ...facts,
    ...orderDifference("event-order", eventNames(before), eventNames(after)),
    ...orderDifference("route-order", routeNames(before), routeNames(after)),
  ];
}

function compareFacts(was: ReadonlyMap<string, Fact>, is: ReadonlyMap<string, Fact>): Difference[] {
  return [
    ...[...was].filter(([key]) => !is.has(key)).map(([, fact]) => removed(fact)),
    ...[...is].flatMap(([key, fact]) => added(fact, was.get(key))),
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

/** Facts of which there is one for each name are known by that, the others by all they say. */
const NAMED: ReadonlySet<Difference["kind"]> = new Set(["attribute", "trust", "event", "route", "subject"]);

function factsByKey(facts: readonly Fact[]): Map<string, Fact> {
  return new Map(
    facts.map((fact) => {
      const { kind, name, text } = fact;
      return [JSON.stringify(NAMED.has(kind) ? [kind, name] : [kind, name, text]), fact];
    }),
  );
}

function boundFacts({ documentBindings, httpBindings }: BoundSource, { bound, subjects }: Compared): Fact[] {
  return [
    ...bound.flatMap((name) =>
      (documentBindings.get(name) ?? []).map((each) => ({ kind: "binding" as const, name, text: bindingText(each) })),
    ),
    ...subjects.flatMap((name) => {
      const held = httpBindings.get(name);
      return held === undefined ? [] : [{ kind: "subject" as const, name, text: listText(held) }];
    }),
  ];
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
    ...events.map((each) => ({ kind: "event" as const, name: each.pattern, text: eventText(each) })),
    // Of two routes with one method and path the first wins, and in a map the last: so from the back.
    ...routes.toReversed().map((route) => ({
      kind: "route" as const,
      name: routeName(route),
      text: [route.permission, ...route.topics].join(" "),
    })),
  ];
}

function eventText({ permission, publish }: PolicyDocument["events"][number]): string {
  return publish === undefined ? permission : `${permission}, to publish ${publish}`;
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
