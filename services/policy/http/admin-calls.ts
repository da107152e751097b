import { z } from "zod";
import { freeNameSchema, nameSchema } from "#shared/contract/name-schema.ts";
import { EXPLICIT_TOKEN_ERRORS } from "#shared/http/openapi/credentials.ts";
import type { ErrorCode } from "#shared/protocol/problem-codes.ts";

/** The tenant in a path. */
export const TENANT = { tenant: nameSchema };

/** The tenant and the subject in a path. */
export const TENANT_SUBJECT = { ...TENANT, subject: freeNameSchema };

/** The header by which a change is made to one version alone. */
export const IF_MATCH = { "if-match": z.string().describe('The version that may be replaced: `"17"`, or `*`.') };

/** What an administrator's request may be refused for. */
export const ADMIN_ERRORS = [
  ...EXPLICIT_TOKEN_ERRORS,
  "forbidden",
  "tenant_suspended",
  "too_many_attempts",
] as const satisfies readonly ErrorCode[];

/** The same of a call on a tenant, which may not be there. */
export const TENANT_ERRORS = [...ADMIN_ERRORS, "tenant_unknown"] as const satisfies readonly ErrorCode[];

/** What a change of a tenant's policy may be refused for. */
export const CHANGE_ERRORS = [
  ...TENANT_ERRORS,
  "tenant_deleted",
  "version_conflict",
  "document_invalid",
  "limit_exceeded",
  "too_many_changes",
] as const satisfies readonly ErrorCode[];

/** The answer to a change: the version that it made. */
export const changedSchema = z.object({ version: z.int().min(1) }).meta({ id: "Changed" });
