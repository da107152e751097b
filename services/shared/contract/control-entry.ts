import { z } from "zod";
import { freeNameSchema, nameSchema } from "../contract/name-schema.ts";
import { isTopicPattern } from "../protocol/topics.ts";
import { versionSchema } from "./version.ts";

/** A policy change that applies from here on in the log, and the principals it can affect. */
export const policyEntrySchema = z
  .object({
    version: versionSchema.shape.number,
    build: versionSchema.shape.build,
    /** Roles whose rules changed, with the roles that inherit them. */
    roles: z.array(z.string()).optional(),
    /** The principals whose roles changed: see `Principal`. */
    subjects: z.array(z.string()).optional(),
    /** Anything may have changed: event map, limits, a repaired store. */
    all: z.literal(true).optional(),
  })
  .strip();
export type PolicyEntry = z.infer<typeof policyEntrySchema>;

/** A session that ended, or a subject whose claims changed. */
export const sessionEntrySchema = z.union([
  z.object({ sid: nameSchema, action: z.literal("revoked") }),
  z.object({ sub: freeNameSchema, action: z.literal("changed") }),
]);
export type SessionEntry = z.infer<typeof sessionEntrySchema>;

/** A change of the tenant itself, and the version of its policy that made it. */
export const tenantEntrySchema = z.object({
  state: z.enum(["active", "suspended", "deleted"]),
  version: versionSchema.shape.number.optional(),
});
export type TenantEntry = z.infer<typeof tenantEntrySchema>;

/** How many events one erasure may name by their ids. */
export const MAX_ERASED_IDS = 1_000;

const erasedThrough = { through: z.int().min(0) };

/**
 * An erasure. The matching events up to and including the sequence `through` are gone, or are about to be purged: nobody may
 * serve them any more. Events with a later sequence are not erased.
 */
export const erasedEntrySchema = z.union([
  /** The events whose topic matches the pattern. */
  z.object({ subject: z.string().refine(isTopicPattern, "must be a topic pattern"), ...erasedThrough }),
  /** The events with these ids. */
  z.object({ ids: z.array(z.string().max(128)).min(1).max(MAX_ERASED_IDS), ...erasedThrough }),
]);
export type ErasedEntry = z.infer<typeof erasedEntrySchema>;
