const ATTRIBUTE_VALUES = 64;

/** A policy document as it is sent. */
export interface SentDocument {
  readonly tenant: string;
  readonly roles: object;
  readonly [part: string]: unknown;
}

/** Documents at the limits of policy's table, each with another part at its largest, and the smallest one there is. */
export function largestDocuments(tenant: string): ReadonlyMap<string, SentDocument> {
  const smallest = smallestDocument(tenant);
  return new Map<string, SentDocument>([
    ["roles and rules", { ...smallest, roles: manyRoles(), bindings: bindingsOf("role-0", 100) }],
    ["roles that inherit", { ...smallest, roles: inheritingRoles() }],
    ["bindings", { ...smallest, bindings: manyBindings() }],
    ["event types under attributes", { ...smallest, ...rulesUnderAttributes(tenant) }],
    ["conditions", { ...smallest, roles: { viewer: { allow: conditions() } } }],
    ["routes", { ...smallest, routes: manyRoutes() }],
  ]);
}

/** The smallest document. */
export function smallestDocument(tenant: string): SentDocument {
  return { tenant, roles: { viewer: { allow: ["order:read"] } }, events: { "order.*": "order:read" } };
}

/** Texts that are refused, and must not cost more than what is taken. */
export function refusedTexts(tenant: string): ReadonlyMap<string, string> {
  const keys = Array.from({ length: 95_000 }, (_, index) => `k${index}: 1`).join("\n");
  const aliases = `a: &a [x]\nb: [${"*a,".repeat(200_000)}]`;
  const flow = `x: ${"[".repeat(50_000)}${"]".repeat(50_000)}`;
  return new Map([
    ["95 000 keys", `tenant: ${tenant}\n${keys}\n`],
    ["200 000 aliases", `tenant: ${tenant}\n${aliases}\n`],
    ["50 000 levels", `tenant: ${tenant}\n${flow}\n`],
  ]);
}

function manyRoles(): object {
  const rules = (role: number): string[] => Array.from({ length: 8 }, (_, rule) => `area${role}-${rule}:read`);
  return byName(2_048, (index) => ({ allow: rules(index) }));
}

function inheritingRoles(): object {
  // Each inherits from 64 before it: a thousand roles stand above the last ones.
  return byName(1_024, (index) => ({
    inherits: Array.from({ length: Math.min(64, index) }, (__, back) => `role-${index - 1 - back}`),
    allow: [`area${index}:read`],
  }));
}

function manyBindings(): object[] {
  return Array.from({ length: 20_000 }, (_, index) => ({ role: "viewer", subjects: [`person-${index}`] }));
}

function rulesUnderAttributes(tenant: string): SentDocument {
  const values = Array.from({ length: ATTRIBUTE_VALUES }, (_, index) => `team-${index}`);
  const allow = Array.from({ length: 8 }, (_, rule) => `*:read@*.*.{team}.r${rule}`);
  const events = Array.from({ length: 1_024 }, (_, index) => [`kind${index}.*`, `kind${index}:read`]);
  return {
    tenant,
    roles: { viewer: { allow } },
    bindings: [{ role: "viewer", subjects: ["carol"] }],
    attributes: { carol: { team: values } },
    events: Object.fromEntries(events),
  };
}

function conditions(): object[] {
  const list = Array.from({ length: 32 }, (_, index) => `"value-${index}"`).join(", ");
  return Array.from({ length: 192 }, (_, index) => ({ rule: `area${index}:read`, when: `event.kind in [${list}]` }));
}

function manyRoutes(): object[] {
  return Array.from({ length: 1_024 }, (_, index) => ({
    method: "GET",
    path: `/api/v${index}/{a}/{b}/{c?}`,
    permission: "order:read",
    topics: ["a", "b", "c", "d"].map((topic) => `order.${topic}.{a}`),
  }));
}

function bindingsOf(role: string, count: number): object[] {
  return [{ role, subjects: Array.from({ length: count }, (_, index) => `person-${index}`) }];
}

function byName(count: number, make: (index: number) => object): object {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`role-${index}`, make(index)]));
}
