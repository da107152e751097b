import { randomUUID } from "node:crypto";
import { longestStall } from "../longest-stall.ts";
import { type PolicyStack, startPolicyStack } from "#test/support/start-policy.ts";
import type { Figure } from "../scenario.ts";
import { quantile } from "../quantile.ts";

const PUTS = 4;
const CHANGES = 20;
const CHECKS = 10;

/** Documents that each take one of their limits, all in one tenant; `mark` makes another text of it. */
const SHAPES: Readonly<Record<string, (mark: number) => object>> = {
  "16 384 rules of 2 048 roles in a row": (mark) => ({
    roles: Object.fromEntries(
      Array.from({ length: 2_048 }, (_, role) => [
        `r${role}`,
        {
          inherits: role === 0 ? [] : [`r${role - 1}`],
          allow: Array.from({ length: 8 }, (__, rule) => `a${role}:b${rule === 0 ? mark : rule}`),
        },
      ]),
    ),
    bindings: [{ role: "r2047", subjects: ["ann"] }],
  }),
  "110 000 subjects bound": (mark) => ({
    roles: { r: { allow: [`a:b${mark}`] } },
    bindings: Array.from({ length: 11 }, (_, part) => ({
      role: "r",
      subjects: Array.from({ length: 10_000 }, (__, index) => `${part}${index}`),
    })),
  }),
  "10 000 subjects with attributes": (mark) => ({
    roles: { r: { allow: [`a:b${mark}`] } },
    attributes: Object.fromEntries(
      Array.from({ length: 10_000 }, (_, index) => [`s${index}`, { a: "b", c: "d", e: ["f", "g", "h", `${mark}`] }]),
    ),
  }),
};

/**
 * Puts the largest documents into one tenant of a policy, changes roles and asks there, and changes roles of another tenant
 * meanwhile; beside each the longest time that policy's loop stood still.
 */
export async function measureLargestDocument(): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const [shape, documentOf] of Object.entries(SHAPES)) figures.push(...(await measureShape(shape, documentOf)));
  return figures;
}

async function measureShape(shape: string, documentOf: (mark: number) => object): Promise<readonly Figure[]> {
  await using stack = await startPolicyStack();
  await stack.call("PUT", "/v1/tenants/neighbour");
  await stack.call("PUT", "/v1/tenants/neighbour/policy", JSON.stringify({ tenant: "neighbour", roles: { r: {} } }));
  await stack.call("PUT", "/v1/tenants/large");
  // Just-in-time compilation is not what is measured.
  for (let mark = 100; mark < 102; mark += 1) await putLarge(stack, { ...documentOf(mark) });
  const alone = await neighbour(stack, CHANGES);
  await longestStall(stack.policy);
  const [puts, meanwhile] = await together(stack, () =>
    repeat(PUTS, (mark) => putLarge(stack, documentOf(200 + mark))),
  );
  const putStall = await longestStall(stack.policy);
  const changes = await repeat(CHANGES, (index) => setRoles(stack, "large", `p${index}`));
  const changeStall = await longestStall(stack.policy);
  const checks = await repeat(CHECKS, () => explain(stack));
  const askStall = await longestStall(stack.policy);
  const named = (name: string, value: number): Figure => ({ name: `${shape}: ${name}`, value, unit: "ms" });
  return [
    named("a PUT of the document, p50", quantile(puts, 0.5)),
    named("longest stall meanwhile", putStall),
    named("a neighbour's change of roles alone, p50", quantile(alone, 0.5)),
    named("the same meanwhile, p50", quantile(meanwhile, 0.5)),
    named("the same meanwhile, worst", Math.max(...meanwhile)),
    named("a change of roles, p50", quantile(changes, 0.5)),
    named("longest stall meanwhile, of roles", changeStall),
    named("an explanation, p50", quantile(checks, 0.5)),
    named("longest stall meanwhile, of explanations", askStall),
  ];
}

/** Changes roles of the neighbour for as long as `work` takes. */
async function together(stack: PolicyStack, work: () => Promise<number[]>): Promise<[number[], number[]]> {
  const over = new AbortController();
  const working = work().finally(() => over.abort());
  const took: number[] = [];
  while (!over.signal.aborted && took.length < 40) took.push(...(await neighbour(stack, 1)));
  return [await working, took];
}

async function neighbour(stack: PolicyStack, times: number): Promise<number[]> {
  return repeat(times, () => setRoles(stack, "neighbour", randomUUID()));
}

async function setRoles(stack: PolicyStack, tenant: string, subject: string): Promise<void> {
  const path = `/v1/tenants/${tenant}/subjects/${subject}/roles`;
  await answered(stack.call("PUT", path, JSON.stringify({ roles: tenant === "large" ? [] : ["r"] })));
}

async function putLarge(stack: PolicyStack, document: object): Promise<void> {
  await answered(stack.call("PUT", "/v1/tenants/large/policy", JSON.stringify({ tenant: "large", ...document })));
}

async function explain(stack: PolicyStack): Promise<void> {
  const question = { subject: "ann", permission: "a2000:b3" };
  await answered(stack.call("POST", "/v1/tenants/large/explain", JSON.stringify(question)));
}

async function answered(call: ReturnType<PolicyStack["call"]>): Promise<void> {
  const { status, body } = await call;
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body).slice(0, 500)}`);
}

async function repeat(times: number, work: (index: number) => Promise<void>): Promise<number[]> {
  const took: number[] = [];
  for (let index = 0; index < times; index += 1) {
    const begun = performance.now();
    await work(index);
    took.push(performance.now() - begun);
  }
  return took;
}
