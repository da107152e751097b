import { LRUCache } from "lru-cache";
import type { Version } from "#shared/contract/version.ts";
import type { PolicyDocument } from "../document/policy-document.ts";
import type { TenantLimits } from "../limits/tenant-limits.ts";
import { runNow, type Steps } from "../work/turns.ts";
import { compileDocument, type CompiledDocument, type DocumentHead, lineageSets } from "./compile-document.ts";
import { compileEventMap, type EventMap } from "./compile-event-map.ts";
import { compileRoutes, type RouteMatcher } from "./compile-routes.ts";
import { boundAt, boundSince, type DocumentBound, type EndedBindings, NONE_ENDED } from "./document-bindings.ts";
import type { RoleSet } from "./role-set.ts";
import { openRules, type Row, type RuleIndex } from "./rule-index.ts";
import type { HttpBindings } from "./subject-roles.ts";

/** Rows beyond those that the document names are made when asked for; this many are kept. */
const MAX_EXTRA_ROWS = 1_024;

/** One version of a tenant's policy, compiled for deciding. It never changes; a new version is a new snapshot. */
export interface Snapshot extends DocumentBound {
  readonly version: Version;
  /** What decisions read as it stands in the document; versions of one document have one of it. */
  readonly document: DocumentHead;
  /** All that the document's text alone decides. */
  readonly compiled: CompiledDocument;
  /** What the document was read from, where it was a text. */
  readonly read?: ReadDocument;
  readonly httpBindings: HttpBindings;
  /** When the version was stored, in milliseconds since 1970. */
  readonly storedAt: number;
  /** The bit of each role. */
  readonly roleBits: ReadonlyMap<string, number>;
  /** For each role's bit: the role's name. */
  readonly roleNames: readonly string[];
  /** For each role's bit: the role and everything it inherits. */
  readonly lineages: readonly RoleSet[];
  /** For each role's bit: the subject's attributes that its own rules look at. */
  readonly namesUsed: readonly (readonly string[])[];
  /** The rows of the permissions that the document's events and routes need, as far as they were asked for. */
  readonly rows: ReadonlyMap<string, Row>;
  /** The tenant's state and limits; absent where only the document is looked at. */
  readonly standing?: TenantStanding;
  /** What the document's rules say about one permission. */
  rowOf(permission: string): Row;
  /** The places in the document of the rules about one permission. */
  readonly placesAbout: (permission: string) => Uint32Array;
  /** Which of the document's routes a request takes. */
  readonly matchRoute: RouteMatcher;
  /** Which permissions events of a type need. */
  readonly permissionsFor: EventMap;
}

/** The text of a document, and the whole document in the form in which threads share it. */
export interface ReadDocument {
  readonly text: string;
  readonly shared: Uint8Array;
}

/** A tenant's state and limits. */
export interface TenantStanding {
  readonly state: "active" | "suspended" | "deleted";
  readonly limits: TenantLimits;
}

/** A snapshot that knows all of its document, also what no decision reads. */
export type WholeSnapshot = Snapshot & { readonly document: PolicyDocument };

/**
 * Compiles a document and the bindings set over HTTP into a snapshot, all at once. `storedAt` is when the version was stored, in
 * milliseconds since 1970: bindings that had ended by then are not in it, whatever clock looks at it.
 */
export function compileSnapshot(
  version: Version,
  document: PolicyDocument,
  httpBindings: HttpBindings,
  storedAt = Number.NEGATIVE_INFINITY,
): WholeSnapshot {
  return { ...runNow(openSnapshot(version, compileDocument(document), httpBindings, storedAt)), document };
}

/** The snapshot of a compiled document, in steps. */
export function* openSnapshot(
  version: Version,
  compiled: CompiledDocument,
  httpBindings: HttpBindings,
  storedAt: number,
): Steps<Snapshot> {
  const bound = yield* boundAt(compiled.bindings, storedAt);
  const rules = yield* openRules(compiled.rules, compiled.roleNames.length);
  return { version, document: compiled, compiled, httpBindings, storedAt, ...bound, ...deciders(compiled, rules) };
}

/** A snapshot, and what has ended since the one that it was made of. */
export interface Rebound {
  readonly snapshot: Snapshot;
  readonly ended: EndedBindings;
}

/**
 * The same document with other bindings set over HTTP, under another version. Nothing of the document is compiled again; what it
 * binds is without what has ended in between.
 */
export function* rebindSnapshot(
  known: Snapshot,
  version: Version,
  httpBindings: HttpBindings,
  storedAt: number,
): Steps<Rebound> {
  const isEarlier = known.storedAt > storedAt;
  const bound = isEarlier
    ? { ...(yield* boundAt(known.compiled.bindings, storedAt)), ended: NONE_ENDED }
    : yield* boundSince(known, storedAt);
  const { ended, ...documentBound } = bound;
  return { snapshot: { ...known, version, httpBindings, storedAt, ...documentBound }, ended };
}

/** What does not change with the bindings. Rows, routes and events are looked at when they are asked for first. */
function deciders(compiled: CompiledDocument, rules: RuleIndex) {
  const { roleNames, namesUsed, events, routes } = compiled;
  const named = new Set([...events, ...routes].flatMap(permissionsOf));
  const rows = new Map<string, Row>();
  const extraRows = new LRUCache<string, Row>({ max: MAX_EXTRA_ROWS });
  let matchRoute: RouteMatcher | undefined;
  return {
    roleBits: new Map(roleNames.map((name, bit) => [name, bit])),
    roleNames,
    lineages: lineageSets(compiled),
    namesUsed,
    rows,
    rowOf(permission: string): Row {
      const known = rows.get(permission) ?? extraRows.get(permission);
      if (known !== undefined) return known;
      const row = rules.rowOf(permission);
      (named.has(permission) ? rows : extraRows).set(permission, row);
      return row;
    },
    placesAbout: (permission: string) => rules.placesAbout(permission),
    matchRoute: ((method, path) => (matchRoute ??= compileRoutes(routes))(method, path)) satisfies RouteMatcher,
    permissionsFor: compileEventMap(events),
  };
}

function permissionsOf({
  permission,
  publish,
}: {
  readonly permission: string;
  readonly publish?: string | undefined;
}) {
  return publish === undefined ? [permission] : [permission, publish];
}
