import type { Context, Hono } from "hono";
import { z } from "zod";
import { freeNameSchema } from "#shared/contract/name-schema.ts";
import { patternTextSchema } from "#shared/contract/topic-schema.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { callContextOf } from "#shared/http/json-api.ts";
import { BY_TOKEN, TOKEN_ERRORS } from "#shared/http/openapi/credentials.ts";
import { describeCall, jsonAnswer, type Parameters } from "#shared/http/openapi/describe-call.ts";
import { isFreeName } from "#shared/protocol/names.ts";
import { isTopicPattern } from "#shared/protocol/topics.ts";
import { identityOf } from "../access/registration.ts";
import type { CallLimits } from "../admission/call-limits.ts";
import { refusalFor } from "../admission/refusal.ts";
import type { AskPresence, PersonsQuestion, PresenceReport } from "../ask-presence.ts";
import type { Hub } from "../connections/hub.ts";
import { COUNT_PRESENCE, EVERY_TOPIC, READ_PRESENCE, READ_TOPICS } from "../connections/presence/presence-right.ts";
import type { OverloadGuard } from "../overload/overload-guard.ts";
import { type Listener, MAX_PEOPLE } from "../presence/presence-question.ts";
import { admitPerson } from "./admit-person.ts";
import { addressOfCall } from "./caller-address.ts";
import { personPresenceSchema, presenceSchema } from "./edge-answers.ts";
import { type CallerReading, readCaller } from "./read-caller.ts";

const DEFAULT_LIMIT = 100;

const topicSchema = patternTextSchema.refine(isTopicPattern).describe("A topic, or a topic pattern.");
const flagSchema = z.enum(["true", "false"]);

const PEOPLE_QUERY = {
  topic: topicSchema,
  limit: z
    .string()
    .regex(/^[1-9]\d{0,3}$/)
    .describe(`People in one answer, 1 to ${MAX_PEOPLE}; ${DEFAULT_LIMIT} by default.`),
  cursor: z.string().describe("The `next` of the answer before."),
  count: flagSchema.describe("Whether to ask how many, instead of who."),
};
const PERSON_QUERY = {
  topic: topicSchema.describe("Every topic without it."),
  topics: flagSchema.describe("Whether to ask also to which topics."),
};
const ERRORS = [
  ...TOKEN_ERRORS,
  "malformed_topic",
  "unsupported_parameter",
  "forbidden",
  "tenant_suspended",
  "too_many_requests",
] as const;

const ASK = describeCall({
  id: "listPresence",
  tag: "Presence",
  summary: "Says who listens to a topic, or how many do",
  by: BY_TOKEN,
  query: PEOPLE_QUERY,
  required: ["topic"],
  answers: { 200: jsonAnswer("The people, or their number.", presenceSchema) },
  errors: ERRORS,
  example: { query: { topic: "order.*.42" }, status: 200 },
});

const ASK_PERSON = describeCall({
  id: "getPresence",
  tag: "Presence",
  summary: "Says whether a person listens, and to what",
  by: BY_TOKEN,
  path: { subject: freeNameSchema },
  query: PERSON_QUERY,
  answers: { 200: jsonAnswer("Whether the person is online.", personPresenceSchema) },
  errors: ERRORS,
  example: { path: { subject: "ann" }, status: 200 },
});

/** The edge, as far as the route uses it. */
export interface PresenceRoute extends CallerReading {
  readonly askPresence: AskPresence;
  readonly callLimits: CallLimits;
  readonly edge: { readonly hub: Pick<Hub, "tenant">; readonly overload: Pick<OverloadGuard, "isRefusing"> };
}

/**
 * Adds `GET /v1/presence?topic=…`, who listens to a topic, or how many do, and `GET /v1/presence/{subject}`, whether a person
 * listens, and to what. All of it is of the caller's tenant.
 */
export function addPresenceRoutes(api: Hono, route: PresenceRoute): void {
  api.get("/v1/presence", ASK, async (c) => {
    admit(route, c);
    const query = readQuery(c, PEOPLE_QUERY);
    const topic = topicIn(query) ?? missingTopic();
    if (flagIn(query, "count")) {
      const permissions = [READ_PRESENCE, COUNT_PRESENCE];
      const question = { topic, wants: "count", after: "", limit: 0 } as const;
      const { count, partial, hasMore } = await ask(route, c, { permissions, question });
      return c.json({ topic, count, partial: partial || hasMore });
    }
    const question = { topic, wants: "people", after: cursorIn(query), limit: limitIn(query) } as const;
    const report = await ask(route, c, { permissions: [READ_PRESENCE], question });
    return c.json({ topic, people: report.people.map(describe), ...nextOf(report), partial: report.partial });
  });
  api.get("/v1/presence/:subject", ASK_PERSON, async (c) => {
    admit(route, c);
    const query = readQuery(c, PERSON_QUERY);
    const subject = c.req.param("subject");
    if (!isFreeName(subject)) throw new AppError("malformed_request", "the path does not end in a person's name");
    const wants = flagIn(query, "topics") ? "topics" : "people";
    const question = { topic: topicIn(query) ?? EVERY_TOPIC, subject, wants, after: "", limit: 1 } as const;
    const permissions = [wants === "topics" ? READ_TOPICS : READ_PRESENCE];
    const { people, topics, hasMore, partial } = await ask(route, c, { permissions, question });
    const [person] = people;
    const online = person === undefined ? { devices: 0 } : describe(person);
    return c.json({
      subject,
      online: person !== undefined,
      ...online,
      ...(wants === "topics" && { topics }),
      partial: partial || hasMore,
    });
  });
}

/** Refuses a network that asks too often, and everybody while the edge is overloaded, before anything of the request is read. */
function admit({ callLimits, trusted, edge }: PresenceRoute, c: Context): void {
  callLimits.admitAddress(addressOfCall(c, trusted));
  if (edge.overload.isRefusing) throw refusalFor("overload", 1);
}

/** Reads who asks, counts their call, and asks in their tenant. */
async function ask(
  route: PresenceRoute,
  c: Context,
  asked: Omit<PersonsQuestion, "identity">,
): Promise<PresenceReport> {
  const claims = await readCaller(route, c);
  admitPerson(route, claims.tenant_id, claims.sub);
  return route.askPresence({ identity: identityOf(claims), ...asked }, callContextOf(c));
}

/** A person as outsiders see them. */
function describe({ subject, sinceMs, devices }: Listener) {
  return { subject, since: new Date(sinceMs).toISOString(), devices };
}

function nextOf({ people, hasMore }: PresenceReport): { readonly next?: string } {
  const last = people.at(-1);
  return hasMore && last !== undefined ? { next: Buffer.from(last.subject).toString("base64url") } : {};
}

function readQuery(c: Context, known: Parameters): URLSearchParams {
  const query = new URL(c.req.url).searchParams;
  for (const name of query.keys()) {
    if (!Object.hasOwn(known, name)) {
      throw new AppError("unsupported_parameter", `this path does not know the parameter "${name.slice(0, 64)}"`);
    }
    if (query.getAll(name).length > 1) throw new AppError("malformed_request", `give "${name}" once`);
  }
  return query;
}

function topicIn(query: URLSearchParams): string | undefined {
  const topic = query.get("topic");
  if (topic === null || isTopicPattern(topic)) return topic ?? undefined;
  const message = `"topic" must be a topic or a topic pattern: 2 to 8 tokens between dots, for example order.*.42`;
  throw new AppError("malformed_topic", message);
}

function missingTopic(): never {
  throw new AppError("malformed_topic", "say which topic, for example topic=order.*.42");
}

function flagIn(query: URLSearchParams, name: string): boolean {
  const value = query.get(name) ?? "false";
  if (value === "true" || value === "false") return value === "true";
  throw new AppError("malformed_request", `"${name}" must be true or false`);
}

function limitIn(query: URLSearchParams): number {
  const text = query.get("limit") ?? String(DEFAULT_LIMIT);
  const limit = /^[1-9]\d{0,3}$/.test(text) ? Number(text) : Number.NaN;
  if (limit <= MAX_PEOPLE) return limit;
  throw new AppError("malformed_request", `"limit" must be a whole number from 1 to ${MAX_PEOPLE}`);
}

/** The name that the last page ended with. */
function cursorIn(query: URLSearchParams): string {
  const cursor = query.get("cursor");
  if (cursor === null) return "";
  const name = Buffer.from(cursor, "base64url").toString();
  if (isFreeName(name) && Buffer.from(name).toString("base64url") === cursor) return name;
  throw new AppError("malformed_request", '"cursor" must be the "next" of an earlier answer');
}
