import type { Hono } from "hono";
import { z } from "zod";
import { patternTextSchema } from "#shared/contract/topic-schema.ts";
import { MAX_ERASED_IDS } from "#shared/contract/control-entry.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { readJson } from "#shared/http/json-api.ts";
import { BY_EXPLICIT_TOKEN } from "#shared/http/openapi/credentials.ts";
import { describeCall, jsonAnswer, jsonBody } from "#shared/http/openapi/describe-call.ts";
import { isTopicPattern } from "#shared/protocol/topics.ts";
import { eraseEvents, type EraseRequest } from "../erase-events.ts";
import type { EraseDeps } from "../events/purge-erased.ts";
import { type AuthorizeDeps, authorizePermission } from "./authorize.ts";
import { TENANT, TENANT_ERRORS } from "./admin-calls.ts";
import { erasureSchema } from "./running-answers.ts";
import { tenantParameter } from "./parameters.ts";

/** The permission that lets a subject erase events of its tenant. */
const ERASE_PERMISSION = "event:erase";

const bodySchema = z.strictObject({
  subject: patternTextSchema.optional().describe("A topic pattern."),
  ids: z.array(z.string().max(128)).min(1).max(MAX_ERASED_IDS).optional(),
  /** Why, for the audit trail. */
  reason: z.string().trim().min(1).max(500),
});

const ERASE = describeCall({
  id: "eraseEvents",
  tag: "Events",
  summary: "Erases events for good; needs `event:erase`",
  about: "Either by a topic pattern or by ids.",
  by: BY_EXPLICIT_TOKEN,
  path: TENANT,
  body: jsonBody(bodySchema),
  answers: { 200: jsonAnswer("They are gone from the log, and no edge serves them.", erasureSchema) },
  errors: [...TENANT_ERRORS, "malformed_topic", "not_found", "not_erasable_alone"],
  example: {
    path: { tenant: "acme" },
    body: { subject: "order.*.42", reason: "asked for by the customer" },
    status: 200,
  },
});

/** Adds the call that erases events. */
export function addEraseRoute(api: Hono, authorizeDeps: AuthorizeDeps, deps: EraseDeps): void {
  api.post("/v1/tenants/:tenant/erase", ERASE, async (c) => {
    const tenant = tenantParameter(c);
    const by = await authorizePermission(authorizeDeps, c, tenant, ERASE_PERMISSION);
    const { reason, ...body } = await readJson(c, bodySchema);
    const request = { what: readWhat(body), by, reason, address: authorizeDeps.addressOf(c) };
    return c.json(await eraseEvents(deps, tenant, request));
  });
}

function readWhat({ subject, ids }: Omit<z.infer<typeof bodySchema>, "reason">): EraseRequest["what"] {
  if ((subject === undefined) === (ids === undefined)) {
    throw new AppError("malformed_request", "either subject or ids must be given");
  }
  if (ids !== undefined) return { ids: [...new Set(ids)] };
  if (subject !== undefined && isTopicPattern(subject)) return { subject };
  throw new AppError("malformed_topic", `"subject" must be a topic pattern such as order.*.42`);
}
