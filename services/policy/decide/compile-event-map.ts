import { isPermission } from "#shared/protocol/permissions.ts";
import { topicMatches } from "#shared/protocol/topics.ts";
import type { EventRule } from "../document/policy-document.ts";

/** More types than a product has; those that somebody makes up are forgotten again. */
const MAX_TYPES = 1_024;

/** The permissions that an event type asks for. */
export interface EventPermissions {
  readonly read: string;
  /** Undefined where the resource's name can stand in no permission. */
  readonly publish: string | undefined;
}

/** What events of a type ask for; undefined where no rule names it, which denies them to everybody. */
export type EventMap = (type: string) => EventPermissions | undefined;

/** Compiles an event map: the first rule whose pattern matches counts. Searching 60 rules takes 20 µs, so it is done once. */
export function compileEventMap(rules: readonly EventRule[]): EventMap {
  const known = new Map<string, EventPermissions | undefined>();
  return (type) => {
    if (known.has(type)) return known.get(type);
    const rule = rules.find(({ pattern }) => topicMatches(pattern, type));
    const permissions = rule && { read: rule.permission, publish: rule.publish ?? publishPermissionOf(type) };
    if (known.size >= MAX_TYPES) known.clear();
    known.set(type, permissions);
    return permissions;
  };
}

/** `order:publish` for `order.created`; a name that is encoded in the type can stand in no permission. */
function publishPermissionOf(type: string): string | undefined {
  const permission = `${type.split(".")[0] ?? ""}:publish`;
  return isPermission(permission) ? permission : undefined;
}
