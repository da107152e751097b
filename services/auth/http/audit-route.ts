import type { Context, Hono } from "hono";
import { z } from "zod";
import { AppError } from "#shared/errors/app-error.ts";
import { callContextOf } from "#shared/http/json-api.ts";
import { BY_TOKEN, TOKEN_ERRORS } from "#shared/http/openapi/credentials.ts";
import { describeCall, jsonAnswer } from "#shared/http/openapi/describe-call.ts";
import { readParameter, singleParameter } from "#shared/http/read-parameter.ts";
import type { AuditStart, ReadAudit } from "../audit/read-audit.ts";
import { auditSchema } from "./auth-answers.ts";
import type { AuthenticateCaller } from "./authenticate-caller.ts";
import type { CheckPermission } from "./session-routes.ts";

/** The permission that lets a subject read the audit trail of its tenant; documents name `audit:read` for events of their own. */
const AUDIT_ADMIN = "audit:admin";

const MAX_ENTRIES = 500;
const DAY_MS = 86_400_000;

/** With a year of four digits: the log's server reads no other. */
const timeSchema = z.iso.datetime({ offset: true, error: "must be a time (RFC 3339)" });

const READ = describeCall({
  id: "readAudit",
  tag: "Audit",
  summary: "Reads the audit trail of one's tenant, the oldest entry first; needs `audit:admin`",
  by: BY_TOKEN,
  query: {
    since: timeSchema.describe("Where the reading begins: a day ago without it."),
    after: z.string().describe("The id of the last entry of the page before; counts before `since`."),
  },
  answers: { 200: jsonAnswer(`Up to ${MAX_ENTRIES} entries.`, auditSchema) },
  errors: [...TOKEN_ERRORS, "forbidden"],
  example: { query: { since: "2026-01-31T12:00:00Z" }, status: 200 },
});

interface AuditRouteDeps {
  readonly authenticate: AuthenticateCaller;
  readonly checkPermission: CheckPermission;
  readonly readAudit: ReadAudit;
}

/** Adds the call that reads the audit trail of the caller's tenant, page by page. */
export function addAuditRoute(api: Hono, { authenticate, checkPermission, readAudit }: AuditRouteDeps): void {
  api.get("/v1/auth/audit", READ, async (c) => {
    const { holder } = await authenticate(c);
    const { tenant, username: id, roles, groups } = holder;
    if (!(await checkPermission({ tenant, id, roles, groups }, AUDIT_ADMIN, callContextOf(c)))) {
      throw new AppError("forbidden", `the audit trail needs the permission ${AUDIT_ADMIN}`);
    }
    const { entries, hasMore } = await readAudit(tenant, startOf(c), MAX_ENTRIES);
    return c.json({ entries, next: hasMore ? entries.at(-1)?.id : undefined });
  });
}

function startOf(c: Context): AuditStart {
  const after = singleParameter(c, "after");
  if (after !== undefined) return { after };
  const since = readParameter(c, "since", timeSchema);
  return { since: new Date(since ?? Date.now() - DAY_MS).toISOString() };
}
