import { scopeSchema } from "#shared/contract/scope-schema.ts";
import type { Context, Hono } from "hono";
import { z } from "zod";
import { parseEventId } from "#shared/protocol/event-id.ts";
import { nameSchema } from "#shared/contract/name-schema.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { readJson } from "#shared/http/json-api.ts";
import { explain } from "../decide/explain.ts";
import { trustedSubject } from "../decide/trusted-subject.ts";
import { explainEvent, type ExplainDeps } from "../explain-event.ts";
import type { Snapshots } from "../versions/snapshots.ts";
import { authorizeAdmin, type AuthorizeDeps } from "./authorize.ts";
import { type FindRights, heldRights } from "../sessions/held-rights.ts";
import { nameParameter } from "./parameters.ts";
import { issuerSchema } from "../document/question-fields.ts";
import { questionSchema } from "./question-schema.ts";

/** Names with commas between; an empty text is none of them, and no text says nothing. */
const namesSchema = z
  .string()
  .transform((text) => (text === "" ? [] : text.split(",")))
  .pipe(z.array(nameSchema).max(256))
  .optional();

const eventQuestionSchema = z.strictObject({
  subject: nameSchema,
  event: z.string(),
  roles: namesSchema,
  groups: namesSchema,
  issuer: issuerSchema,
  scope: scopeSchema.optional(),
});

interface ExplainRouteDeps extends ExplainDeps {
  readonly snapshots: ExplainDeps["snapshots"] & Pick<Snapshots, "find">;
  readonly find: FindRights;
}

/**
 * Adds the calls that say why: of a question as `check` takes it, and of one event as a subject did or did not get it. Both
 * say by which roles and groups of the subject they answer.
 */
export function addExplainRoutes(api: Hono, authorizeDeps: AuthorizeDeps, explaining: ExplainRouteDeps): void {
  const path = "/v1/tenants/:tenant/explain";

  api.post(path, async (c) => {
    const tenant = nameParameter(c, "tenant");
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

  api.get(path, async (c) => {
    const tenant = nameParameter(c, "tenant");
    await authorizeAdmin(authorizeDeps, c, tenant);
    const { subject: id, event, roles, groups, issuer, scope } = readEventQuestion(c);
    const eventId = parseEventId(event);
    if (eventId === undefined) throw new AppError("malformed_request", '"event" must be the id of an event');
    const { subject, held: holds } = await heldRights(explaining, tenant, { id, roles, groups, issuer, scope });
    const explanation = await explainEvent(explaining, tenant, eventId, subject);
    return c.json({ subject: id, holds, ...explanation });
  });
}

function readEventQuestion(c: Context): z.infer<typeof eventQuestionSchema> {
  const parsed = eventQuestionSchema.safeParse(c.req.query());
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new AppError("malformed_request", `"${issue?.path.join(".") ?? ""}": ${issue?.message ?? "not as expected"}`);
}
