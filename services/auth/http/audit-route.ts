import type { Context, Hono } from "hono";
import { z } from "zod";
import { AppError } from "#shared/errors/app-error.ts";
import { callContextOf } from "#shared/http/json-api.ts";
import type { AuditStart, ReadAudit } from "../audit/read-audit.ts";
import type { AuthenticateCaller } from "./authenticate-caller.ts";
import type { CheckPermission } from "./session-routes.ts";

/** The permission that lets a subject read the audit trail of its tenant; documents name `audit:read` for events of their own. */
const AUDIT_ADMIN = "audit:admin";

const MAX_ENTRIES = 500;
const DAY_MS = 86_400_000;

/** With a year of four digits: the log's server reads no other. */
const timeSchema = z.iso.datetime({ offset: true });

interface AuditRouteDeps {
  readonly authenticate: AuthenticateCaller;
  readonly checkPermission: CheckPermission;
  readonly readAudit: ReadAudit;
}

/** Adds the call that reads the audit trail of the caller's tenant, page by page. */
export function addAuditRoute(api: Hono, { authenticate, checkPermission, readAudit }: AuditRouteDeps): void {
  api.get("/v1/auth/audit", async (c) => {
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
  const { after, since } = c.req.query();
  if (after !== undefined) return { after };
  if (since === undefined) return { since: new Date(Date.now() - DAY_MS).toISOString() };
  if (timeSchema.safeParse(since).success) return { since: new Date(since).toISOString() };
  throw new AppError("malformed_request", "since must be a time (RFC 3339)");
}
