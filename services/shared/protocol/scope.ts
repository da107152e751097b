import { isPermissionPattern, permissionAsTopics, permissionMatches } from "./permissions.ts";
import { isTopicPattern, patternCovers } from "./topics.ts";

/** What one entry of a scope lets through. */
export interface ScopeEntry {
  /** A permission, in which `*` may stand for tokens. */
  readonly permission: string;
  /** The topics it is limited to; `>` for all. */
  readonly topics: string;
}

/** What a token is limited to, beside what its subject may: at least one entry. */
export type Scope = readonly ScopeEntry[];

const MAX_ENTRIES = 32;
const MAX_CHARACTERS = 2_048;

/**
 * Reads a scope (RFC 6749, section 3.3): entries with one space between, each a permission such as `order:read` or `order:*`,
 * with `@` and a topic pattern where it is limited to topics, `order:read@order.*.42`; at most 32 entries in 2 048
 * characters. Undefined for any other text.
 */
export function parseScope(text: string): Scope | undefined {
  if (text.length > MAX_CHARACTERS) return undefined;
  const entries = text.split(" ").map(parseEntry);
  const scope = entries.filter((entry) => entry !== undefined);
  return scope.length === entries.length && scope.length <= MAX_ENTRIES ? scope : undefined;
}

function parseEntry(text: string): ScopeEntry | undefined {
  const [permission = "", topics = ">", ...more] = text.split("@");
  const isEntry = more.length === 0 && isPermissionPattern(permission) && isTopicPattern(topics);
  return isEntry ? { permission, topics } : undefined;
}

/** Writes a scope, in one way for the same entries in whatever order. */
export function formatScope(scope: Scope): string {
  const entries = scope.map(({ permission, topics }) => (topics === ">" ? permission : `${permission}@${topics}`));
  return [...new Set(entries)].toSorted().join(" ");
}

/** Whether everything that `inner` lets through stands under one entry of `outer`. */
export function scopeCovers(outer: Scope, inner: Scope): boolean {
  return inner.every((entry) => outer.some((wider) => entryCovers(wider, entry)));
}

function entryCovers(outer: ScopeEntry, inner: ScopeEntry): boolean {
  const [wide, narrow] = [outer.permission, inner.permission].map(permissionAsTopics) as [string, string];
  return patternCovers(wide, narrow) && patternCovers(outer.topics, inner.topics);
}

/** The topic patterns to which a scope limits a permission: none where it lets nothing of it through. */
export function topicsWithin(scope: Scope, permission: string): readonly string[] {
  const matching = scope.filter((entry) => permissionMatches(entry.permission, permission));
  const patterns = new Set(matching.map(({ topics }) => topics));
  return patterns.has(">") ? [">"] : [...patterns];
}
