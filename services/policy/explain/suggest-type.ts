import { subjectPrincipal } from "#shared/contract/principal.ts";
import { isPermission } from "#shared/protocol/permissions.ts";
import { topicMatches } from "#shared/protocol/topics.ts";
import type { Snapshot } from "../decide/snapshot.ts";
import { addEventRule } from "../document/add-event-rule.ts";
import type { DocumentCompiler } from "../versions/document-compiler.ts";
import type { PolicyStore } from "../versions/policy-store.ts";
import { runInTurns, type Steps } from "../work/turns.ts";
import { rolesAbout } from "./suggest-role.ts";
import { advice, type Suggestion } from "./suggestion.ts";

const MAX_NAMED = 50;

/** What a rule for a type is made with. */
export interface SuggestTypeDeps {
  readonly store: Pick<PolicyStore, "read">;
  readonly compiler: Pick<DocumentCompiler, "compile">;
}

/** A rule of `events:` for a type that has none. The document with it is tried before: it is one, and passes its own tests. */
export async function suggestType(
  { store, compiler }: SuggestTypeDeps,
  snapshot: Snapshot,
  type: string,
): Promise<Suggestion | undefined> {
  const { tenant } = snapshot.document;
  const permission = permissionFor(snapshot, type);
  if (permission === undefined) return undefined;
  const rule = `${JSON.stringify(type)}: ${permission}`;
  const effects = await runInTurns(whoGains(snapshot, type, permission));
  const { policy } = (await store.read(tenant)) ?? {};
  if (policy === undefined) return undefined;
  const { origin, text } = policy.document;
  if (origin.kind === "file") {
    return { ...advice("map_type", `Add ${rule} to events: in the file ${origin.name}.`), ...effects };
  }
  const changed = addEventRule(text, type, permission);
  const isGood = changed !== undefined && (await isMapped({ compiler }, tenant, changed, type));
  if (!isGood) return { ...advice("map_type", `Add ${rule} to events: of the document.`), ...effects };
  const path = `/v1/tenants/${tenant}/policy`;
  const call = { method: "PUT", path, ifMatch: policy.version.number, body: changed } as const;
  return { kind: "map_type", text: `Add ${rule} to events: of the document.`, call, ...effects };
}

/** The permission of the rules for the same resource, as far as there are some; else to read it. */
function permissionFor({ document: { events } }: Snapshot, type: string): string | undefined {
  const [resource = ""] = type.split(".");
  const sibling = events.find(({ pattern }) => pattern.split(".")[0] === resource);
  const permission = sibling?.permission ?? `${resource}:read`;
  return isPermission(permission) ? permission : undefined;
}

async function isMapped(
  { compiler }: Pick<SuggestTypeDeps, "compiler">,
  tenant: string,
  text: string,
  type: string,
): Promise<boolean> {
  // Too many documents wait, or this one takes too long: nobody has to know here.
  const answer = await compiler.compile(tenant, text, "change").catch(() => undefined);
  if (answer === undefined || answer.faults !== undefined || answer.failed.length > 0) return false;
  return answer.compiled.events.some(({ pattern }) => topicMatches(pattern, type));
}

/** Who has a role that allows the permission somewhere: some by name, and the roles for those whose tokens have them. */
function* whoGains(snapshot: Snapshot, type: string, permission: string): Steps<Pick<Suggestion, "effects" | "more">> {
  const able = new Set(rolesAbout(snapshot, permission));
  const who: string[] = [];
  let more = 0;
  const note = (name: string, roles: readonly string[]): void => {
    if (!roles.some((role) => able.has(role))) return;
    if (who.length < MAX_NAMED) who.push(name);
    else more += 1;
  };
  for (const role of able) note(`role:${role}`, [role]);
  for (const [name, roles] of snapshot.documentBindings) {
    note(
      name,
      roles.map(({ role }) => role),
    );
    yield;
  }
  for (const [subject, roles] of snapshot.httpBindings) {
    note(subjectPrincipal(subject), roles);
    yield;
  }
  if (who.length === 0) return { effects: [], more: 0 };
  return { effects: [{ who, gains: [`${permission} on ${type}`], loses: [] }], more };
}
