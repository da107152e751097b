import { z } from "zod";
import { tenantEntrySchema } from "#shared/contract/control-entry.ts";
import { versionSchema } from "#shared/contract/version.ts";
import { DIFFERENCE_KINDS, type PolicyDiff } from "../decide/policy-diff.ts";
import { SubjectRoles } from "../decide/subject-roles.ts";
import { storedLimitsSchema, type TenantLimits } from "../limits/tenant-limits.ts";

/** Where a document came from, as it is stored. */
export const originSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("file"), name: z.string(), hash: z.string() }),
  z.object({ kind: z.literal("http") }),
  z.object({ kind: z.literal("empty") }),
]);

/** Where a document came from. A document from a file is changed by changing the file. */
export type DocumentOrigin = z.infer<typeof originSchema>;

/** What a version says otherwise than the one before it. */
export const diffSchema = z.object({
  differences: z
    .array(
      z.object({
        change: z.enum(["added", "removed", "changed"]),
        kind: z.enum(DIFFERENCE_KINDS),
        name: z.string(),
        before: z.string().optional(),
        after: z.string().optional(),
      }),
    )
    .readonly(),
  more: z.int(),
}) satisfies z.ZodType<PolicyDiff>;

const lifecycleSchema = z.object({
  state: tenantEntrySchema.shape.state,
  /** The version that made it so; 0 for the state a tenant is born in. */
  since: z.int().min(0),
  at: z.iso.datetime(),
});

/** Whether a tenant is in use, by which version and when it became so. */
export type Lifecycle = z.infer<typeof lifecycleSchema>;

/** How a tenant begins. */
const BORN: Lifecycle = { state: "active", since: 0, at: new Date(0).toISOString() };

/** What a version says of itself, beside its document and the bindings. */
export const storedVersionSchema = z.object({
  version: versionSchema,
  document: z.object({ origin: originSchema }),
  lifecycle: lifecycleSchema.default(BORN),
  limits: storedLimitsSchema.default({}),
  at: z.iso.datetime(),
  by: z.string(),
  why: z.string(),
  /** What differs from the version before; absent where there was none, or none that could be read. */
  diff: diffSchema.optional(),
});

/** One version of a tenant's policy without its content: its state and limits, who made it, when and why. */
export type StoredVersion = z.infer<typeof storedVersionSchema>;

/** One version of a tenant's policy: the document as it was given, and the bindings set over HTTP. */
export interface StoredPolicy extends StoredVersion {
  readonly document: { readonly text: string; readonly origin: DocumentOrigin };
  readonly bindings: SubjectRoles;
}

/** The part of a stored policy that a change changes; state and limits stay where it does not name them. */
export type PolicyContent = Pick<StoredPolicy, "document" | "bindings"> & {
  readonly state?: Lifecycle["state"];
  readonly limits?: TenantLimits;
};

/** What a tenant begins with: nobody may do anything. */
export function emptyContent(tenant: string): Pick<StoredPolicy, "document" | "bindings" | "lifecycle" | "limits"> {
  const document = { text: `tenant: ${JSON.stringify(tenant)}\n`, origin: { kind: "empty" } } as const;
  return { document, bindings: SubjectRoles.none, lifecycle: BORN, limits: {} };
}
