import { topicMatches } from "#shared/protocol/topics.ts";
import type { EventRule } from "../document/policy-document.ts";

/** More types than a product has; those that somebody makes up are forgotten again. */
const MAX_TYPES = 1_024;

/** The permission that events of a type need; undefined where no rule names it, which denies them to everybody. */
export type EventMap = (type: string) => string | undefined;

/** Compiles an event map: the first rule whose pattern matches counts. Searching 60 rules takes 20 µs, so it is done once. */
export function compileEventMap(rules: readonly EventRule[]): EventMap {
  const permissions = new Map<string, string | undefined>();
  return (type) => {
    if (permissions.has(type)) return permissions.get(type);
    const permission = rules.find(({ pattern }) => topicMatches(pattern, type))?.permission;
    if (permissions.size >= MAX_TYPES) permissions.clear();
    permissions.set(type, permission);
    return permission;
  };
}
