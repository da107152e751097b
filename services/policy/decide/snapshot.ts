import { LRUCache } from "lru-cache";
import type { Version } from "#shared/contract/version.ts";
import { permissionMatches } from "../document/permission.ts";
import type { PolicyDocument } from "../document/policy-document.ts";
import { fillTenant } from "./fill-template.ts";
import { addRole, createRoleSet, type RoleSet } from "./role-set.ts";

/** Rows beyond those that the document names are made when asked for; this many are kept. */
const MAX_EXTRA_ROWS = 1_024;

/** Roles bound to subjects over HTTP; they replace what the document binds to the same subject. */
export type HttpBindings = ReadonlyMap<string, readonly string[]>;

/** One version of a tenant's policy, compiled for deciding. It never changes; a new version is a new snapshot. */
export interface Snapshot {
  readonly version: Version;
  readonly document: PolicyDocument;
  readonly httpBindings: HttpBindings;
  /** The document's bindings by subject; `group:<name>` stands for everyone in a group. */
  readonly documentBindings: ReadonlyMap<string, readonly string[]>;
  /** The bit of each role. */
  readonly roleBits: ReadonlyMap<string, number>;
  /** For each role's bit: the role and everything it inherits. */
  readonly lineages: readonly RoleSet[];
  /** The roles with a rule of their own that holds `{sub}`. */
  readonly personalRoles: RoleSet;
  /** The tenant's state and limits; absent where only the document is looked at. */
  readonly standing?: TenantStanding;
  /** What the document's rules say about one permission. */
  rowOf(permission: string): Row;
}

/** What is in force for a tenant as a whole. */
export interface TenantStanding {
  readonly state: "active" | "suspended" | "deleted";
  /** How many streams it may have on an edge; undefined for as many as the edge takes. */
  readonly maxConnections: number | undefined;
}

/** All rules about one permission, by the role that has them. */
export interface Row {
  /** Roles that allow, and roles that deny, it on any topic. */
  readonly allow: RoleSet;
  readonly deny: RoleSet;
  /** Rules that hold on some topics only. */
  readonly conditions: readonly Condition[];
}

/** A rule limited to topics. */
export interface Condition {
  readonly role: number;
  readonly effect: "allow" | "deny";
  /** A topic pattern in which tokens may be `{sub}`. */
  readonly template: string;
}

/** Compiles a document and the bindings set over HTTP into a snapshot. */
export function compileSnapshot(version: Version, document: PolicyDocument, httpBindings: HttpBindings): Snapshot {
  const roleBits = new Map(Array.from(document.roles.keys(), (name, bit) => [name, bit]));
  const named = new Set([...document.events, ...document.routes].map(({ permission }) => permission));
  const rows = new Map(Array.from(named, (permission) => [permission, compileRow(document, permission)]));
  const extraRows = new LRUCache<string, Row>({ max: MAX_EXTRA_ROWS });
  return {
    version,
    document,
    httpBindings,
    documentBindings: bindingsBySubject(document),
    roleBits,
    lineages: Array.from(document.roles.keys(), (name) => lineageOf(name, document, roleBits)),
    personalRoles: personalRolesOf(document),
    rowOf(permission) {
      const known = rows.get(permission) ?? extraRows.get(permission);
      if (known !== undefined) return known;
      const row = compileRow(document, permission);
      extraRows.set(permission, row);
      return row;
    },
  };
}

function bindingsBySubject({ bindings }: PolicyDocument): Map<string, string[]> {
  const roles = new Map<string, Set<string>>();
  for (const binding of bindings) {
    for (const subject of binding.subjects) {
      const bound = roles.get(subject);
      if (bound === undefined) roles.set(subject, new Set([binding.role]));
      else bound.add(binding.role);
    }
  }
  return new Map(Array.from(roles, ([subject, bound]) => [subject, [...bound].toSorted()]));
}

function lineageOf(name: string, { roles }: PolicyDocument, roleBits: ReadonlyMap<string, number>): RoleSet {
  const found = new Set<string>();
  const open = [name];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    open.push(...(roles.get(next)?.inherits ?? []));
  }
  return createRoleSet(
    roleBits.size,
    Array.from(found, (role) => roleBits.get(role) ?? 0),
  );
}

function personalRolesOf({ roles }: PolicyDocument): RoleSet {
  const personal = createRoleSet(roles.size);
  for (const [bit, role] of [...roles.values()].entries()) {
    if ([...role.allow, ...role.deny].some(({ topic }) => topic?.split(".").includes("{sub}"))) addRole(personal, bit);
  }
  return personal;
}

function compileRow({ tenant, roles }: PolicyDocument, permission: string): Row {
  const row = { allow: createRoleSet(roles.size), deny: createRoleSet(roles.size), conditions: new Array<Condition>() };
  for (const { role, effect, topic } of rulesAbout(permission, roles)) {
    if (topic === undefined || topic === ">") addRole(row[effect], role);
    else row.conditions.push({ role, effect, template: fillTenant(topic, tenant) });
  }
  return row;
}

function rulesAbout(permission: string, roles: PolicyDocument["roles"]) {
  return [...roles.values()].flatMap((rules, role) =>
    (["allow", "deny"] as const).flatMap((effect) =>
      rules[effect]
        .filter((rule) => permissionMatches(rule.permission, permission))
        .map(({ topic }) => ({ role, effect, topic })),
    ),
  );
}
