import {
  preparsePolicySet,
  type StatefulAuthorizationCall,
  statefulIsAuthorized,
} from "@cedar-policy/cedar-wasm/nodejs";
import { decide } from "../../../services/policy/decide/decide.ts";
import { decodeGrant, type Grant } from "../../../services/policy/decide/grant.ts";
import { resolveSubject } from "../../../services/policy/decide/resolve-subject.ts";
import { hasRole } from "../../../services/policy/decide/role-set.ts";
import {
  compileSnapshot,
  openSnapshot,
  rebindSnapshot,
  type Snapshot,
  type WholeSnapshot,
} from "../../../services/policy/decide/snapshot.ts";
import { decodeParts } from "../../../services/policy/versions/compiled-parts.ts";
import { doDocumentJob } from "../../../services/policy/versions/compile-job.ts";
import { runNow } from "../../../services/policy/work/turns.ts";
import { SubjectRoles } from "../../../services/policy/decide/subject-roles.ts";
import { parseDocument } from "../../../services/policy/document/parse-document.ts";
import type { PolicyDocument } from "../../../services/policy/document/policy-document.ts";
import { UNKNOWN_LIMITS } from "../../../services/stream/admission/tenant-limits.ts";
import { Decisions } from "../../../services/stream/access/decisions.ts";
import type { Grant as EdgeGrant } from "../../../services/stream/access/grant.ts";
import type { Decider } from "../../../services/stream/access/ports.ts";
import type { Figure } from "../scenario.ts";
import { medianCpuMs, perCpuSecond } from "../per-cpu-second.ts";

const SIZE = { tenants: 1_000, roles: 32, permissions: 96, subjects: 8, questions: 65_536 } as const;
const VERSION = { number: 1, build: "bench" };

interface Question {
  readonly snapshot: WholeSnapshot;
  readonly grant: Grant;
  readonly permission: string;
}

/** Decisions for each second of one core's time; Cedar, as WebAssembly, has one such tenant's rules parsed beforehand. */
export async function measureDecisions(): Promise<readonly Figure[]> {
  const plain = questionsOf(documentOf(() => ""));
  const limited = questionsOf(documentOf((number) => (number % 8 < 4 ? "" : `@resource${number}.*.{sub}`)));
  const perSecond = (name: string, value: number, atLeast?: number): Figure => ({
    name,
    value: value / 1e6,
    unit: "million/s",
    ...(atLeast === undefined ? {} : { goal: { atLeast } }),
  });
  return [
    perSecond("Cedar", measureCedar(plain)),
    perSecond("policy", measureCompiled(plain, 8_000_000), 3),
    perSecond("policy, half of the rules limited to {sub}", measureCompiled(limited, 1_000_000)),
    perSecond("the edge, of what it has been told", await measureEdge([">"], 8_000_000), 5),
    perSecond("the edge, by topics", await measureEdge(["resource1.*.s1", "resource1.read.x"], 4_000_000)),
  ];
}

/** Policy's decisions for each second of one core's time, of so many. */
export function decisionsPerSecond(count: number): number {
  return measureCompiled(questionsOf(documentOf(() => "")), count);
}

/** Compiles a policy that binds roles to 10 000 subjects; the median of several, in one core's time. */
export function measureCompile(): readonly Figure[] {
  const people = Array.from({ length: SIZE.roles }, (_, role) => ({
    role: `role${role}`,
    subjects: Array.from({ length: Math.ceil(10_000 / SIZE.roles) }, (__, index) => `person-${index}-${role}`),
  }));
  const text = JSON.stringify({ ...documentOf(() => ""), bindings: people });
  const document = parsed(text);
  const known = compileSnapshot(VERSION, document, SubjectRoles.none, 0);
  const answer = doDocumentJob({ kind: "compile", tenant: "bench", text });
  const parts = "parts" in answer ? answer.parts : [];
  return [
    {
      name: "a change of who has what",
      value: medianCpuMs(25, () => void runNow(rebindSnapshot(known, VERSION, SubjectRoles.none, 0))),
      unit: "ms",
      goal: { atMost: 10 },
    },
    {
      name: `another text of ${Math.round(text.length / 1_024)} KiB, by a thread`,
      value: medianCpuMs(9, () => void doDocumentJob({ kind: "compile", tenant: "bench", text })),
      unit: "ms",
    },
    {
      name: "the same, taken in by the thread that decides, in turns",
      value: medianCpuMs(9, () => void runNow(openSnapshot(VERSION, runNow(decodeParts(parts)), SubjectRoles.none, 0))),
      unit: "ms",
    },
  ];
}

/** Every role allows twelve permissions, denies one, and every fourth inherits the role before it. */
function documentOf(limitTo: (permission: number) => string) {
  const rules = (role: number) => ({
    inherits: role % 4 === 3 ? [`role${role - 1}`] : [],
    allow: permissionNumbers
      .filter((permission) => (permission + role) % 8 === 0)
      .map((permission) => `${permissionOf(permission)}${limitTo(permission)}`),
    deny: [permissionOf((role * 3) % SIZE.permissions)],
  });
  return {
    tenant: "bench",
    roles: Object.fromEntries(Array.from({ length: SIZE.roles }, (_, role) => [`role${role}`, rules(role)])),
    bindings: Array.from({ length: SIZE.subjects }, (_, subject) => ({
      role: `role${(subject * 5 + 3) % SIZE.roles}`,
      subjects: [`s${subject}`, `s${(subject + 1) % SIZE.subjects}`],
    })),
    events: Object.fromEntries(
      permissionNumbers.map((permission) => [`resource${permission}.*`, permissionOf(permission)]),
    ),
  };
}

const permissionNumbers = Array.from({ length: SIZE.permissions }, (_, permission) => permission);
const permissions = permissionNumbers.map((number) => `resource${number}:read`);

/** The same text every time: what a request brings is in the cache as well. */
function permissionOf(number: number): string {
  return permissions[number]!;
}

function parsed(text: string): PolicyDocument {
  const { document, faults } = parseDocument(text, "bench");
  if (document === undefined) throw new Error(`the document of the benchmark is broken: ${JSON.stringify(faults)}`);
  return document;
}

/** Questions all over the tenants, in no order that a cache could foresee. */
function questionsOf(source: ReturnType<typeof documentOf>): Question[] {
  const document = parsed(JSON.stringify(source));
  const tenants = Array.from({ length: SIZE.tenants }, (_, tenant) => {
    const snapshot = compileSnapshot(VERSION, { ...document, tenant: `tenant${tenant}` }, new Map());
    const grants = Array.from({ length: SIZE.subjects }, (__, subject) => {
      const { id } = resolveSubject(snapshot, { id: `s${subject}`, roles: [], groups: [] }, 0);
      return decodeGrant(snapshot, id);
    });
    return { snapshot, grants };
  });
  return Array.from({ length: SIZE.questions }, () => {
    const { snapshot, grants } = oneOf(tenants);
    return { snapshot, grant: oneOf(grants), permission: permissionOf(Math.floor(Math.random() * SIZE.permissions)) };
  });
}

function measureCompiled(questions: readonly Question[], count: number): number {
  const event = { topic: "resource1.read.s1", attributes: {} };
  return perCpuSecond(count, (index) => {
    const { snapshot, grant, permission } = questions[index % SIZE.questions]!;
    return decide(snapshot, grant, permission, event);
  });
}

/** One tenant's rules in Cedar; it must answer as ours do, or it is not the same question. */
function measureCedar(questions: readonly Question[]): number {
  const { snapshot } = questions[0]!;
  const same = questions.filter((question) => question.snapshot === snapshot);
  preparsePolicySet("bench", { staticPolicies: cedarPolicies(snapshot) });
  const asked = same.map(({ grant, permission }) => ({
    call: cedarCall(snapshot, grant, permission),
    grant,
    permission,
  }));
  for (const { call, grant, permission } of asked) {
    if (isAllowedByCedar(call) !== decide(snapshot, grant, permission)) throw new Error("Cedar decides otherwise");
  }
  return perCpuSecond(2_000, (index) => isAllowedByCedar(asked[index % asked.length]!.call));
}

function isAllowedByCedar(call: StatefulAuthorizationCall): boolean {
  const answer = statefulIsAuthorized(call);
  return answer.type === "success" && answer.response.decision === "allow";
}

function cedarPolicies({ document }: WholeSnapshot): string {
  const rule = (effect: string, role: string, permission: string): string =>
    `${effect}(principal in Role::"${role}", action == Action::"${permission}", resource);`;
  return [...document.roles]
    .flatMap(([role, { allow, deny }]) => [
      ...allow.map(({ permission }) => rule("permit", role, permission)),
      ...deny.map(({ permission }) => rule("forbid", role, permission)),
    ])
    .join("\n");
}

function cedarCall({ roleBits }: Snapshot, { roles }: Grant, permission: string): StatefulAuthorizationCall {
  const held = [...roleBits].filter(([, bit]) => hasRole(roles, bit)).map(([role]) => ({ type: "Role", id: role }));
  return {
    principal: { type: "Subject", id: "s" },
    action: { type: "Action", id: permission },
    resource: { type: "Event", id: "e" },
    context: {},
    preparsedPolicySetId: "bench",
    entities: [{ uid: { type: "Subject", id: "s" }, attrs: {}, parents: held }],
  };
}

/** Everything the edge does to judge an event, of which the residual is known, for one audience. */
async function measureEdge(allow: readonly string[], count: number): Promise<number> {
  const eventMap = permissionNumbers.map((number) => ({
    pattern: `resource${number}.*`,
    permission: permissionOf(number),
  }));
  const decider: Decider = {
    resolve: async (_tenant, { id }) => ({
      version: VERSION,
      grant: { id, roles: ["role1"] },
      eventMap,
      limits: UNKNOWN_LIMITS,
    }),
    decide: async () => ({ version: VERSION, rules: { allow, deny: [], allowWhen: [], denyWhen: [] } }),
  };
  const decisions = new Decisions("bench", decider, { decisionAsked: () => {} });
  const grants = await Promise.all(
    Array.from({ length: 64 }, async (_, subject): Promise<EdgeGrant> => {
      const { grant } = await decisions.resolve({ id: `s${subject}`, roles: [], groups: [] });
      await Promise.all(permissionNumbers.map((number) => decisions.ask(grant, permissionOf(number))));
      return grant;
    }),
  );
  const events = permissionNumbers.map((number) => ({
    type: `resource${number}.read`,
    topic: `resource${number}.read.s1`,
    attributes: {},
  }));
  return perCpuSecond(count, (index) => {
    const event = events[index % events.length]!;
    const permission = decisions.permissionFor(event.type);
    const residual = permission && grants[index % grants.length]!.residualAt(permission, index);
    return residual !== undefined && residual !== "" && residual.allows(event) === true;
  });
}

function oneOf<T>(all: readonly T[]): T {
  return all[Math.floor(Math.random() * all.length)]!;
}
