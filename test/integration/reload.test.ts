import { credentials } from "@grpc/grpc-js";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Check, DecisionServiceClient, type ResolveResponse } from "#proto/policy/v1/decision.ts";
import { callUnary } from "#shared/grpc/call-unary.ts";
import { type EventStream, openEventStream } from "#test/support/event-stream.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { TENANTS_OPERATOR_TOKEN, type TenantStack, startTenants } from "#test/support/start-tenants.ts";
import { waitFor } from "#test/support/wait.ts";

const TENANT = "reloaded";
/** A tenant is made with version 1, and its first document is the second. */
const FIRST_VERSION = 3;
const VERSIONS = 100;
const EVERY_MS = 100;

/** Version n of the policy allows permission i where bit i of n is set, and its event map knows one type of event. */
const PERMISSIONS = Array.from({ length: 12 }, (_, bit) => `bit${bit}:read`);

/** Each time 48 checks are asked for as a gateway does, and as an edge does: 54 times a second are more than 5 000. */
const SUBJECTS = ["p0", "p1", "p2", "p3"].map((id) => ({ id, roles: [], groups: [] }));
const CHECKS = SUBJECTS.flatMap((subject) =>
  PERMISSIONS.map((value): Check => ({ subject, question: { $case: "permission", value }, attributes: {} })),
);
const BATCHES_PER_SECOND = 54;

/** Types of events. Version n allows the one of n modulo this. */
const TYPES = 16;

let services: TenantStack;
let policies: readonly RunningService[];

beforeAll(async () => {
  services = await startTenants([{ id: TENANT, document: documentOf(FIRST_VERSION - 1), people: ["p0"] }]);
  policies = [services.stack.policy, await services.stack.startPolicy()];
});
afterAll(() => services?.[Symbol.asyncDispose]());

interface Checks {
  checks: number;
  /** Answers that are not what their version says. */
  wrong: number;
  /** Answers older than what the same caller had seen. */
  older: number;
  readonly versions: Set<number>;
}

test("while the policy changes ten times a second, every check is answered by exactly one version, and none goes back", async () => {
  const checks: Checks = { checks: 0, wrong: 0, older: 0, versions: new Set() };
  const last = FIRST_VERSION + VERSIONS - 1;
  await using stream = await openEventStream(`${services.stack.streamUrl}/v1/stream?topic=type.>&topic=version.>`, {
    token: await services.sign(TENANT, "p0"),
  });
  await stream.frame("ready");
  const changing = changeAll(last, stream);
  const begin = performance.now();
  await Promise.all([changing, ...policies.map((policy) => checkUntil(changing, policy, checks))]);
  const perSecond = Math.round((checks.checks * 1_000) / (performance.now() - begin));
  expect(checks, `${perSecond} checks a second`).toMatchObject({ wrong: 0, older: 0 });
  expect(checks.versions.size).toBeGreaterThan(VERSIONS / 4);

  await stream.frame(({ data }) => data === `${last} ${last % TYPES}`);
  const used = stream.events().map(versionUsed);
  expect(used.filter((version) => version > last)).toEqual([]);
  expect(used).toEqual(used.toSorted((a, b) => a - b));
}, 120_000);

/**
 * Changes document after document, each answered before the next; behind each answer one event of every type is published.
 * The last version is in force when it returns. An edge that a busy machine holds up is waited for: were it behind by as many
 * versions as there are types, nobody could tell by which one it decided.
 */
async function changeAll(last: number, stream: EventStream): Promise<void> {
  const reached = (): number => Number(stream.events().at(-1)?.split(" ")[0] ?? FIRST_VERSION);
  for (let number = FIRST_VERSION; number <= last; number += 1) {
    await waitFor("the edge is near", () => number - reached() <= TYPES / 2);
    const due = performance.now() + EVERY_MS;
    expect(await putVersion(number)).toBe(number);
    await Promise.all(
      Array.from({ length: TYPES }, (_, type) => services.publish(TENANT, `type.t${type}.k`, `${number} ${type}`)),
    );
    await delay(Math.max(0, due - performance.now()));
  }
}

/** The first version, from the one that an event was published under on, that lets it through. */
function versionUsed(text: string): number {
  const [number = 0, type = 0] = text.split(" ").map(Number);
  return number + ((type - number + 10 * TYPES) % TYPES);
}

async function putVersion(number: number): Promise<number> {
  const response = await fetch(`${services.stack.policyUrl}/v1/tenants/${TENANT}/policy`, {
    method: "PUT",
    headers: { authorization: `Bearer ${TENANTS_OPERATOR_TOKEN}`, "if-match": `"${number - 1}"` },
    body: documentOf(number),
  });
  return ((await response.json()) as { version: number }).version;
}

/** Asks one process of policy at a steady rate, for no version older than the newest that it answered. */
async function checkUntil(over: Promise<unknown>, policy: RunningService, counts: Checks): Promise<void> {
  using stack = new DisposableStack();
  const client = new DecisionServiceClient(`127.0.0.1:${policy.ports.grpc}`, credentials.createInsecure());
  stack.defer(() => client.close());
  const end = new AbortController();
  void over.finally(() => end.abort()).catch(() => {});
  let floor: ResolveResponse["version"];
  let grants = (await callUnary(client.resolve.bind(client), { tenant: TENANT, subjects: SUBJECTS }, WAIT)).grants;
  const pending = new Set<Promise<void>>();
  const note = (answer: Pick<ResolveResponse, "version">, asked: typeof floor, isRight: boolean): void => {
    const number = answer.version?.number ?? 0;
    counts.versions.add(number);
    if (!isRight) counts.wrong += 1;
    if (number < (asked?.number ?? 0)) counts.older += 1;
    if (number > (floor?.number ?? 0)) floor = answer.version;
  };
  const check = async (): Promise<void> => {
    const atLeast = floor;
    const ids = grants.map(({ id }) => id);
    const [checked, resolved, decided] = await Promise.all([
      callUnary(client.checkBatch.bind(client), { tenant: TENANT, checks: CHECKS, atLeast }, WAIT),
      callUnary(client.resolve.bind(client), { tenant: TENANT, subjects: SUBJECTS, atLeast }, WAIT),
      callUnary(client.decide.bind(client), { tenant: TENANT, grants: ids, permissions: PERMISSIONS, atLeast }, WAIT),
    ]);
    note(resolved, atLeast, isWholly(resolved));
    note(
      decided,
      atLeast,
      isAllowedAs(
        decided.version,
        decided.residuals.map(({ allow }) => allow.length > 0),
      ),
    );
    note(checked, atLeast, isAllowedAs(checked.version, checked.allowed));
    grants = resolved.grants;
    counts.checks += CHECKS.length + ids.length * PERMISSIONS.length;
  };
  const every = (1_000 * policies.length) / BATCHES_PER_SECOND;
  for (let due = performance.now(); !end.signal.aborted; due += every) {
    await delay(Math.max(0, due - performance.now()));
    const checking = check().finally(() => pending.delete(checking));
    pending.add(checking);
    if (pending.size >= 16) await Promise.race(pending);
  }
  await Promise.all(pending);
}

const WAIT = { timeoutMs: 30_000 };

/** Whether roles and event map of an answer are those of its version. */
function isWholly({ version, grants, eventMap }: ResolveResponse): boolean {
  const number = version?.number ?? 0;
  return (
    grants.every(({ roles }) => roles.join() === (number % 2 === 0 ? "even" : "odd")) &&
    eventMap.map(({ pattern }) => pattern).join() === typesOf(number).join()
  );
}

/** Whether answers for all permissions, person by person, are those of the version. */
function isAllowedAs(version: ResolveResponse["version"], allowed: readonly boolean[]): boolean {
  const isSet = (bit: number): boolean => (((version?.number ?? 0) >> bit) & 1) === 1;
  return allowed.every((isAllowed, index) => isAllowed === isSet(index % PERMISSIONS.length));
}

/** The event map of a version: first its own, then what it denies. */
function typesOf(number: number): string[] {
  return [`version.v${number}`, ...Array.from({ length: TYPES }, (_, type) => `type.t${type}`)];
}

function documentOf(number: number): string {
  const allowed = PERMISSIONS.filter((_, bit) => ((number >> bit) & 1) === 1);
  const role = { allow: [...allowed, `type:t${number % TYPES}`, "note:read@note.*.{sub}"] };
  return JSON.stringify({
    tenant: TENANT,
    roles: { even: role, odd: role },
    bindings: [{ role: number % 2 === 0 ? "even" : "odd", subjects: SUBJECTS.map(({ id }) => id) }],
    events: Object.fromEntries(typesOf(number).map((type) => [type, type.replace(".", ":")])),
  });
}
