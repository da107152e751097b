import { scopeSchema } from "#shared/contract/scope-schema.ts";
import type { Context, Hono } from "hono";
import { z } from "zod";
import { parseEventId } from "#shared/protocol/event-id.ts";
import { topicTextSchema } from "#shared/contract/topic-schema.ts";
import { isTopic } from "#shared/protocol/topics.ts";
import type { EventQuestion } from "../events/find-event.ts";
import { freeNameSchema } from "#shared/contract/name-schema.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { readJson } from "#shared/http/json-api.ts";
import { BY_EXPLICIT_TOKEN } from "#shared/http/openapi/credentials.ts";
import { describeCall, jsonAnswer, jsonBody } from "#shared/http/openapi/describe-call.ts";
import { singleParameter } from "#shared/http/read-parameter.ts";
import { explain } from "../decide/explain.ts";
import { trustedSubject } from "../decide/trusted-subject.ts";
import { explainEvent, type ExplainDeps } from "../explain-event.ts";
import type { Snapshots } from "../versions/snapshots.ts";
import { authorizeAdmin, type AuthorizeDeps } from "./authorize.ts";
import type { FindRights } from "#shared/tokens/session-rights.ts";
import { heldRights } from "../sessions/held-rights.ts";
import { TENANT, TENANT_ERRORS } from "./admin-calls.ts";
import { eventExplanationSchema, explanationSchema } from "./explain-answers.ts";
import { tenantParameter } from "./parameters.ts";
import { issuerSchema } from "../document/question-fields.ts";
import { questionSchema } from "./question-schema.ts";

/** A parameter for each name, in which a comma may stand; one that is empty says that there are none. */
const namesSchema = z
  .array(z.string())
  .transform((names) => (names.length === 1 && names[0] === "" ? [] : names))
  .pipe(z.array(freeNameSchema).max(1_024))
  .optional();

const receiverFields = {
  subject: freeNameSchema,
  role: namesSchema,
  group: namesSchema,
  issuer: issuerSchema,
  scope: scopeSchema.optional(),
};

/** One of: the event's id, its place in the log, or its topic and about when it was stored. */
const eventQuestionFields = {
  ...receiverFields,
  event: z.string().optional(),
  sequence: z
    .string()
    .regex(/^[1-9]\d{0,14}$/, "must be a place in the log, such as 41")
    .transform(Number)
    .optional(),
  topic: topicTextSchema.refine(isTopic, "must be a topic such as order.created.42, without wildcards").optional(),
  at: z.iso.datetime({ offset: true }).optional(),
};

const eventQuestionSchema = z
  .strictObject(eventQuestionFields)
  .refine(({ event, sequence, topic }) => [event, sequence, topic].filter((each) => each !== undefined).length === 1, {
    path: ["event"],
    message: "give one of event, sequence, and topic with at",
  })
  .refine(({ topic, at }) => (topic === undefined) === (at === undefined), {
    path: ["at"],
    message: "goes with topic, and topic with it",
  });

interface ExplainRouteDeps extends ExplainDeps {
  readonly snapshots: ExplainDeps["snapshots"] & Pick<Snapshots, "find">;
  readonly find: FindRights;
}

const EXPLAIN = describeCall({
  id: "explainDecision",
  tag: "Decisions",
  summary: "Says why a subject may or may not do something",
  by: BY_EXPLICIT_TOKEN,
  path: TENANT,
  body: jsonBody(questionSchema),
  answers: { 200: jsonAnswer("The decision with every rule that was looked at.", explanationSchema) },
  errors: TENANT_ERRORS,
  example: { path: { tenant: "acme" }, body: { subject: "ann", topic: "order.created.42" }, status: 200 },
});

const EXPLAIN_EVENT = describeCall({
  id: "explainEvent",
  tag: "Decisions",
  summary: "Says why a person did or did not get an event",
  about: "The event is named by one of `event`, `sequence`, and `topic` with `at`.",
  by: BY_EXPLICIT_TOKEN,
  path: TENANT,
  query: eventQuestionFields,
  required: ["subject"],
  answers: { 200: jsonAnswer("What stood between them, link by link.", eventExplanationSchema) },
  errors: TENANT_ERRORS,
  example: {
    path: { tenant: "acme" },
    query: { subject: "ann", topic: "order.created.42", at: "2026-01-31T12:00:00Z" },
    status: 200,
  },
});

/**
 * Adds the calls that say why: of a question as `check` takes it, and of one event as a subject did or did not get it. Both
 * say by which roles and groups of the subject they answer.
 */
export function addExplainRoutes(api: Hono, authorizeDeps: AuthorizeDeps, explaining: ExplainRouteDeps): void {
  const path = "/v1/tenants/:tenant/explain";

  api.post(path, EXPLAIN, async (c) => {
    const tenant = tenantParameter(c);
    await authorizeAdmin(authorizeDeps, c, tenant);
    const { subject: asked, question } = await readJson(c, questionSchema);
    const { subject, held: holds } = await heldRights(explaining, tenant, asked);
    const held = explaining.snapshots.find(tenant);
    const snapshot = await explaining.snapshots.atLeast(tenant);
    const source = snapshot === held ? "cache" : "store";
    const trusted = trustedSubject(snapshot, subject, explaining.ownIssuer);
    const explanation = explain(snapshot, trusted, question, explaining.wall());
    return c.json({ version: snapshot.version.number, source, holds, ...explanation });
  });

  api.get(path, EXPLAIN_EVENT, async (c) => {
    const tenant = tenantParameter(c);
    await authorizeAdmin(authorizeDeps, c, tenant);
    const asked = readEventQuestion(c);
    const { subject: id, role: roles, group: groups, issuer, scope } = asked;
    const question = eventQuestionOf(asked);
    const { subject, held: holds } = await heldRights(explaining, tenant, { id, roles, groups, issuer, scope });
    const receiver = { subject, isByAuth: holds.from !== "request" };
    const explanation = await explainEvent(explaining, tenant, question, receiver);
    return c.json({ subject: id, holds, ...explanation });
  });
}

function eventQuestionOf({ event, sequence, topic, at }: z.infer<typeof eventQuestionSchema>): EventQuestion {
  if (sequence !== undefined) return { by: "sequence", seq: sequence };
  if (topic !== undefined) return { by: "time", topic, at: Date.parse(at ?? "") };
  const id = parseEventId(event ?? "");
  if (id === undefined)
    throw new AppError("malformed_request", '"event" must be an id that a stream gives: <epoch>.<sequence>.<tag>');
  return { by: "id", id };
}

function readEventQuestion(c: Context): z.infer<typeof eventQuestionSchema> {
  const single = Object.keys(c.req.query()).filter((name) => name !== "role" && name !== "group");
  const parsed = eventQuestionSchema.safeParse({
    ...Object.fromEntries(single.map((name) => [name, singleParameter(c, name)])),
    role: c.req.queries("role"),
    group: c.req.queries("group"),
  });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new AppError("malformed_request", `"${issue?.path.join(".") ?? ""}": ${issue?.message ?? "not as expected"}`);
}
