import { permissionMatches } from "#shared/protocol/permissions.ts";
import { resourceOf } from "./covering-rules.ts";
import type { DocumentWarning } from "./fault.ts";
import { isMeant, nearNames } from "./near-name.ts";
import type { EventRule, PolicyDocument } from "./policy-document.ts";

/** What policy's own calls ask for. */
const OWN_PERMISSIONS = ["policy:admin", "event:erase", "event:inspect"];

const EFFECTS = ["allow", "deny"] as const;

/** Rules about what no event type and no route asks for, and event types that no rule lets anybody see, each with a near miss where there is one. */
export function permissionWarnings(document: PolicyDocument): DocumentWarning[] {
  return [...unaskedRules(document), ...unseenEvents(document)];
}

function unaskedRules({ roles, events, routes }: PolicyDocument): DocumentWarning[] {
  // Who asks by other ways only, by name over the API, says so by having neither.
  if (events.length + routes.length === 0) return [];
  const asked = new Set([...events, ...routes].map(({ permission }) => permission));
  for (const { publish } of events) if (publish !== undefined) asked.add(publish);
  for (const own of OWN_PERMISSIONS) asked.add(own);
  const near = nearNames(asked);
  const messages = new Map<string, string | undefined>();
  const messageFor = (permission: string): string | undefined => {
    if (!messages.has(permission)) messages.set(permission, whyUnasked(permission));
    return messages.get(permission);
  };
  const byResource = Map.groupBy(asked, resourceOf);
  const isPublished = publishedBy(events);
  const whyUnasked = (permission: string): string | undefined => {
    const resource = resourceOf(permission);
    const candidates = resource === "*" ? [...asked] : (byResource.get(resource) ?? []);
    if (candidates.some((each) => permissionMatches(permission, each)) || isPublished(permission)) return undefined;
    const meant = permission.includes("*") ? undefined : near(permission);
    return `no event type and no route asks for ${permission}${isMeant(meant)}`;
  };
  return [...roles].flatMap(([role, rules]) =>
    EFFECTS.flatMap((effect) =>
      rules[effect].flatMap(({ permission }, index) => {
        const message = messageFor(permission);
        return message === undefined ? [] : [{ path: ["roles", role, effect, index], message }];
      }),
    ),
  );
}

/** Tells which permissions take in `<resource>:publish` of an event type whose rule names no permission to publish. */
function publishedBy(events: readonly EventRule[]): (permission: string) => boolean {
  const unnamed = events.filter(({ publish }) => publish === undefined);
  const resources = new Set(unnamed.map(({ pattern }) => pattern.split(".")[0]));
  const isAny = resources.has("*") || resources.has(">");
  return (permission) => {
    const resource = resourceOf(permission);
    const isAsked = resource === "*" ? resources.size > 0 : isAny || resources.has(resource);
    return isAsked && permissionMatches(permission, resource === "*" ? "any:publish" : `${resource}:publish`);
  };
}

function unseenEvents({ roles, events }: PolicyDocument): DocumentWarning[] {
  const allowed = [...new Set([...roles.values()].flatMap(({ allow }) => allow.map(({ permission }) => permission)))];
  // Nobody may do anything yet: the document is only begun.
  if (allowed.length === 0) return [];
  const exact = new Set(allowed);
  const wild = allowed.filter((permission) => permission.includes("*"));
  const near = nearNames(allowed);
  return events.flatMap(({ pattern, permission }) => {
    if (exact.has(permission) || wild.some((each) => permissionMatches(each, permission))) return [];
    const message = `no role allows ${permission}, so that nobody sees these events${isMeant(near(permission))}`;
    return [{ path: ["events"], key: pattern, message }];
  });
}
