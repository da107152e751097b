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
import { nameParameter } from "./parameters.ts";
import { issuerSchema } from "../document/question-fields.ts";
import { questionSchema } from "./question-schema.ts";

/** Names with commas between. */
const namesSchema = z
  .string()
  .default("")
  .transform((text) => (text === "" ? [] : text.split(",")))
  .pipe(z.array(nameSchema).max(256));

const eventQuestionSchema = z.strictObject({
  subject: nameSchema,
  event: z.string(),
  roles: namesSchema,
  groups: namesSchema,
  issuer: issuerSchema,
  scope: scopeSchema.optional(),
});

const TOKEN_NOTE = "roles and groups that a token carries count only as far as roles= and groups= give them";

/** Adds the calls that say why: of a question as `check` takes it, and of one event as a subject did or did not get it. */
export function addExplainRoutes(
  api: Hono,
  authorizeDeps: AuthorizeDeps,
  explaining: ExplainDeps & { readonly snapshots: Pick<Snapshots, "find"> },
): void {
  const path = "/v1/tenants/:tenant/explain";

  api.post(path, async (c) => {
    const tenant = nameParameter(c, "tenant");
    await authorizeAdmin(authorizeDeps, c, tenant);
    const { subject, question } = await readJson(c, questionSchema);
    const held = explaining.snapshots.find(tenant);
    const snapshot = await explaining.snapshots.atLeast(tenant);
    const source = snapshot === held ? "cache" : "store";
    const trusted = trustedSubject(snapshot, subject, explaining.ownIssuer);
    const explanation = explain(snapshot, trusted, question, explaining.wall());
    return c.json({ version: snapshot.version.number, source, ...explanation });
  });

  api.get(path, async (c) => {
    const tenant = nameParameter(c, "tenant");
    await authorizeAdmin(authorizeDeps, c, tenant);
    const { subject: id, event, roles, groups, issuer, scope } = readEventQuestion(c);
    const eventId = parseEventId(event);
    if (eventId === undefined) throw new AppError("malformed_request", '"event" must be the id of an event');
    const explanation = await explainEvent(explaining, tenant, eventId, { id, roles, groups, issuer, scope });
    return c.json({ subject: id, note: TOKEN_NOTE, ...explanation });
  });
}

function readEventQuestion(c: Context): z.infer<typeof eventQuestionSchema> {
  const parsed = eventQuestionSchema.safeParse(c.req.query());
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new AppError("malformed_request", `"${issue?.path.join(".") ?? ""}": ${issue?.message ?? "not as expected"}`);
}
