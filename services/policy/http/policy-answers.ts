import { z } from "zod";
import type { Review } from "../versions/review-job.ts";
import { diffSchema, originSchema } from "../versions/stored-policy.ts";
import { tenantLimitsSchema, tierLimitsSchema } from "../limits/tenant-limits.ts";

const numberSchema = z.int().min(0);

const summary = {
  version: numberSchema,
  build: z.string(),
  origin: originSchema.and(z.object({ missing: z.literal(true).optional() })),
  at: z.iso.datetime(),
  by: z.string(),
  why: z.string(),
};

const content = {
  document: z.string(),
  subjects: numberSchema.describe("How many subjects have roles that were set over HTTP."),
  bindings: z.record(z.string(), z.array(z.string())).optional().describe("Those roles, of up to 1 000 subjects."),
};

const faultSchema = z
  .object({ line: z.int().optional(), column: z.int().optional(), path: z.string(), message: z.string() })
  .meta({ id: "Fault" });

const differencesSchema = diffSchema.meta({ id: "PolicyDiff" });

const rejectionSchema = z.object({
  reason: z.enum(["invalid", "older", "deleted"]),
  faults: z.array(faultSchema),
  at: z.iso.datetime(),
  file: z.string(),
});

/** The policy in force. */
export const policySchema = z
  .object({ tenant: z.string(), ...summary, ...content, rejected: rejectionSchema.optional() })
  .meta({ id: "Policy" });

/** One of the versions that are kept. */
export const keptVersionSchema = z
  .object({ tenant: z.string(), ...summary, diff: differencesSchema.optional(), ...content })
  .meta({ id: "PolicyVersion" });

/** The versions that are kept. */
export const versionsSchema = z
  .object({ versions: z.array(z.object({ ...summary, diff: differencesSchema.optional() })) })
  .meta({ id: "PolicyVersions" });

/** Somebody's gains and losses. */
export const effectSchema = z.object({
  who: z.array(z.string()),
  gains: z.array(z.string()),
  loses: z.array(z.string()),
});

/** What a text would be as the next document. */
export const reviewSchema = z
  .object({
    version: numberSchema,
    faults: z.array(faultSchema),
    warnings: z.array(faultSchema),
    cases: numberSchema,
    failed: z.array(faultSchema),
    diff: differencesSchema,
    effects: z.array(effectSchema.extend({ others: numberSchema, moreRules: numberSchema })),
    moreEffects: numberSchema,
    unseen: numberSchema,
  } satisfies Record<keyof Review | "version" | "unseen", z.ZodType>)
  .meta({ id: "Review" });

const seesSchema = z.record(z.string(), z.object({ how: z.enum(["all", "some"]), rules: z.array(z.string()) }));

/** Who sees which events. */
export const visibilitySchema = z
  .object({
    version: numberSchema,
    compared: numberSchema.optional(),
    unseen: numberSchema,
    types: z.array(z.object({ pattern: z.string(), permission: z.string() })),
    total: numberSchema,
    people: z.array(
      z.object({ who: z.string(), roles: z.array(z.string()), sees: seesSchema, saw: seesSchema.optional() }),
    ),
    next: z.string().optional(),
  })
  .meta({ id: "Visibility" });

/** The roles of a subject. */
export const rolesOfSubjectSchema = z
  .object({ subject: z.string(), roles: z.array(z.string()), source: z.enum(["document", "http"]) })
  .meta({ id: "SubjectRoles" });

/** A page of the subjects whose roles were set over HTTP. */
export const subjectsSchema = z
  .object({
    version: numberSchema,
    total: numberSchema,
    subjects: z.array(z.object({ subject: z.string(), roles: z.array(z.string()) })),
    next: z.string().optional(),
  })
  .meta({ id: "Subjects" });

/** A tenant: its state, its limits, and what its log holds. */
export const tenantSchema = z
  .object({
    tenant: z.string(),
    state: z.enum(["active", "suspended", "deleted"]),
    since: z.iso.datetime().optional(),
    version: numberSchema,
    limits: tenantLimitsSchema,
    usage: z
      .object({
        messages: numberSchema,
        bytes: numberSchema,
        maxBytes: z.int(),
        maxAgeSeconds: z.number(),
        firstAt: z.string().optional(),
        lastAt: z.string().optional(),
      })
      .optional(),
  })
  .meta({ id: "Tenant" });

/** All tenants. */
export const tenantsSchema = z.object({ tenants: z.array(tenantSchema) }).meta({ id: "Tenants" });

/** The tiers with their limits. */
export const tiersSchema = z.object({ tiers: z.record(z.string(), tierLimitsSchema) }).meta({ id: "Tiers" });

/** The answer to a change of a tenant as a whole. */
export const tenantChangedSchema = z
  .object({ tenant: z.string(), version: z.int().min(1) })
  .meta({ id: "TenantChanged" });
