import { isTopicPattern } from "#shared/protocol/topics.ts";

const SEGMENT = /^([A-Za-z0-9._~-]{1,128}|\{[A-Za-z0-9_-]{1,64}\})$/;
const LAST_SEGMENT = /^([A-Za-z0-9._~-]{1,128}|\{[A-Za-z0-9_-]{1,64}\*?\??\})$/;
const PLACEHOLDER = /^\{([A-Za-z0-9_-]{1,64})\*?\??\}$/;
const MAX_SEGMENTS = 16;

/**
 * Whether `path` is one a route may have: literal segments and placeholders, each name once. The last one may be optional,
 * `{id?}`, or stand for all segments that follow, `{rest*}`; `{rest*?}` is both.
 */
export function isRoutePath(path: string): boolean {
  if (path === "/") return true;
  const [root, ...segments] = path.split("/");
  const names = segments.flatMap((segment) => placeholderOf(segment) ?? []);
  if (root !== "" || segments.length > MAX_SEGMENTS || new Set(names).size < names.length) return false;
  const last = segments.pop() ?? "";
  return segments.every((segment) => SEGMENT.test(segment)) && LAST_SEGMENT.test(last);
}

/** The segments of a route's path; none of `/`. */
export function segmentsOf(path: string): string[] {
  return path === "/" ? [] : path.split("/").slice(1);
}

/**
 * Whether `topic` is a topic pattern once the placeholders of `path`, each a whole token, are filled in. A placeholder for
 * many segments is none: no token holds them.
 */
export function isRouteTopic(topic: string, path: string): boolean {
  const placeholders = new Set(
    path
      .split("/")
      .flatMap((segment) => (isOpen(segment) ? [] : (placeholderOf(segment) ?? [])))
      .map((name) => `{${name}}`),
  );
  const filled = topic.split(".").map((token) => (placeholders.has(token) ? "x" : token));
  return isTopicPattern(filled.join("."));
}

/** The name of a segment that is a placeholder. */
export function placeholderOf(segment: string): string | undefined {
  return PLACEHOLDER.exec(segment)?.[1];
}

/** Whether a segment may be missing. */
export function isOptional(segment: string): boolean {
  return segment.endsWith("?}");
}

/** Whether a segment stands for one or more segments. */
export function isOpen(segment: string): boolean {
  return segment.endsWith("*}") || segment.endsWith("*?}");
}
