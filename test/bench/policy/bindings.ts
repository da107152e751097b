import { openPolicies } from "#test/support/open-policies.ts";
import { startNats } from "#test/support/start-nats.ts";
import { changePolicy } from "../../../services/policy/change-policy.ts";
import { bindSubject, importPolicy } from "../../../services/policy/changes/commands.ts";
import { SubjectRoles } from "../../../services/policy/decide/subject-roles.ts";
import { createTenant } from "../../../services/policy/tenants/create-tenant.ts";
import { quantile } from "../quantile.ts";
import type { Figure } from "../scenario.ts";

const SIZE = { subjects: 100_000, roles: 16, rules: 256, permissions: 1_000, changes: 50 } as const;
const BY = "operator";

/** Sets the roles of one subject after another, of a tenant that has as many as it may, and a long document. */
export async function measureBindings(): Promise<readonly Figure[]> {
  await using nats = await startNats();
  await using policies = await openPolicies(nats.url("policy"));
  const { deps } = policies;
  await createTenant(deps, "bench", BY);
  const text = documentText();
  const anyVersion = { expected: undefined, files: { isThere: () => false } };
  const imported = importPolicy({ text, bindings: subjects() }, { by: BY, why: "bench", ...anyVersion });
  const importMs = await elapsed(() => changePolicy(deps, "bench", imported));
  const took: number[] = [];
  const before = process.cpuUsage();
  for (let index = 0; index < SIZE.changes; index += 1) {
    const change = bindSubject(`subject-${index}`, [roleOf(index + 1)], BY);
    took.push(await elapsed(() => changePolicy(deps, "bench", change)));
  }
  const { user, system } = process.cpuUsage(before);
  return [
    { name: `${SIZE.subjects} subjects imported, as one version`, value: importMs, unit: "ms" },
    { name: "one subject's roles, p50", value: quantile(took, 0.5), unit: "ms", goal: { atMost: 50 } },
    { name: "one subject's roles, p99", value: quantile(took, 0.99), unit: "ms" },
    { name: "CPU of policy for each", value: (user + system) / 1_000 / SIZE.changes, unit: "ms" },
  ];
}

async function elapsed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

function subjects(): SubjectRoles {
  return SubjectRoles.from(Array.from({ length: SIZE.subjects }, (_, index) => [`subject-${index}`, [roleOf(index)]]));
}

function roleOf(index: number): string {
  return `role${index % SIZE.roles}`;
}

/** About 110 KiB: 4 096 rules about each of 2 000 permissions. */
function documentText(): string {
  const numbers = Array.from({ length: SIZE.permissions }, (_, number) => number);
  const allow = Array.from({ length: SIZE.rules }, (_, rule) => (rule < 16 ? "a:*@order.*.{sub}" : "a:*"));
  return JSON.stringify({
    tenant: "bench",
    roles: Object.fromEntries(Array.from({ length: SIZE.roles }, (_, role) => [roleOf(role), { allow }])),
    events: Object.fromEntries(numbers.map((number) => [`resource${number}.changed`, `a:event${number}`])),
    routes: numbers.map((number) => ({ method: "GET", path: `/api/r${number}`, permission: `a:route${number}` })),
  });
}
