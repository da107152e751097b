import { z } from "zod";
import { nameSchema } from "#shared/contract/name-schema.ts";
import { BY_EXPLICIT_TOKEN } from "#shared/http/openapi/credentials.ts";
import { describeCall, jsonAnswer, jsonBody } from "#shared/http/openapi/describe-call.ts";
import { tenantLimitsSchema } from "../limits/tenant-limits.ts";
import { ADMIN_ERRORS, CHANGE_ERRORS, TENANT, TENANT_ERRORS } from "./admin-calls.ts";
import { tenantChangedSchema, tenantSchema, tenantsSchema, tiersSchema } from "./policy-answers.ts";

const nameOfTenantSchema = z.object({ tenant: z.string() });

/** Describes the call. */
export const CREATE_TENANT = describeCall({
  id: "createTenant",
  tag: "Tenants",
  summary: "Makes a tenant with its log; for operators",
  by: BY_EXPLICIT_TOKEN,
  path: TENANT,
  answers: {
    200: jsonAnswer("It is there already.", nameOfTenantSchema),
    201: jsonAnswer("It is made.", nameOfTenantSchema),
  },
  errors: [...ADMIN_ERRORS, "tenant_deleted"],
  example: { path: { tenant: "initech" }, status: 201 },
});

/** Describes the call. */
export const LIST_TENANTS = describeCall({
  id: "listTenants",
  tag: "Tenants",
  summary: "Lists the tenants; for operators",
  by: BY_EXPLICIT_TOKEN,
  answers: { 200: jsonAnswer("The tenants.", tenantsSchema) },
  errors: ADMIN_ERRORS,
  example: { status: 200 },
});

/** Describes the call. */
export const GET_TENANT = describeCall({
  id: "getTenant",
  tag: "Tenants",
  summary: "Reads the state, the limits and the usage of a tenant",
  by: BY_EXPLICIT_TOKEN,
  path: TENANT,
  answers: { 200: jsonAnswer("The tenant.", tenantSchema) },
  errors: TENANT_ERRORS,
  example: { path: { tenant: "acme" }, status: 200 },
});

/** Describes the call. */
export const LIMIT_TENANT = describeCall({
  id: "setTenantLimits",
  tag: "Tenants",
  summary: "Sets what a tenant may use; for operators",
  by: BY_EXPLICIT_TOKEN,
  path: TENANT,
  body: jsonBody(tenantLimitsSchema),
  answers: { 200: jsonAnswer("The limits count.", tenantChangedSchema) },
  errors: CHANGE_ERRORS,
  example: { path: { tenant: "acme" }, body: { connections: 500 }, status: 200 },
});

/** Describes the call. */
export const SUSPEND_TENANT = describeCall({
  id: "suspendTenant",
  tag: "Tenants",
  summary: "Ends the streams of a tenant, and lets nobody in; for operators",
  by: BY_EXPLICIT_TOKEN,
  path: TENANT,
  answers: { 200: jsonAnswer("The tenant is suspended.", tenantChangedSchema) },
  errors: CHANGE_ERRORS,
  example: { path: { tenant: "initech" }, status: 200 },
});

/** Describes the call. */
export const RESUME_TENANT = describeCall({
  id: "resumeTenant",
  tag: "Tenants",
  summary: "Lets people in again; for operators",
  by: BY_EXPLICIT_TOKEN,
  path: TENANT,
  answers: { 200: jsonAnswer("The tenant is active.", tenantChangedSchema) },
  errors: CHANGE_ERRORS,
  example: { path: { tenant: "initech" }, status: 200 },
});

/** Describes the call. */
export const DELETE_TENANT = describeCall({
  id: "deleteTenant",
  tag: "Tenants",
  summary: "Deletes a tenant with all its events; for operators",
  by: BY_EXPLICIT_TOKEN,
  path: TENANT,
  query: { confirm: nameSchema.describe("The name of the tenant once more: nothing brings it back.") },
  required: ["confirm"],
  answers: { 202: jsonAnswer("The tenant is being deleted.", tenantChangedSchema) },
  errors: CHANGE_ERRORS,
  example: { path: { tenant: "initech" }, query: { confirm: "initech" }, status: 202 },
});

/** Describes the call. */
export const LIST_TIERS = describeCall({
  id: "listTiers",
  tag: "Tenants",
  summary: "Lists the tiers with their limits; for operators",
  by: BY_EXPLICIT_TOKEN,
  answers: { 200: jsonAnswer("The tiers.", tiersSchema) },
  errors: ADMIN_ERRORS,
  example: { status: 200 },
});
