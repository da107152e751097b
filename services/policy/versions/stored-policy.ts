import { z } from "zod";
import { tenantEntrySchema } from "#shared/contract/control-entry.ts";
import { freeNameSchema } from "#shared/contract/name-schema.ts";
import { versionSchema } from "#shared/contract/version.ts";
import { DIFFERENCE_KINDS, type PolicyDiff } from "../decide/policy-diff.ts";

const originSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("file"), name: z.string(), hash: z.string() }),
  z.object({ kind: z.literal("http") }),
  z.object({ kind: z.literal("empty") }),
]);

/** Where a document came from. A document from a file is changed by changing the file. */
export type DocumentOrigin = z.infer<typeof originSchema>;

const bindingsSchema = z
  .array(z.object({ subject: freeNameSchema, roles: z.array(freeNameSchema) }))
  .transform(
    (bindings): ReadonlyMap<string, readonly string[]> =>
      new Map(bindings.map(({ subject, roles }) => [subject, roles])),
  );

const diffSchema = z.object({
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

const limitsSchema = z.object({
  historyBytes: z.int().optional(),
  historyAgeSeconds: z.int().optional(),
  connections: z.int().optional(),
});

/** What a tenant may use; what is not said is the default of the installation. */
export type TenantLimits = z.infer<typeof limitsSchema>;

const storedPolicySchema = z.object({
  version: versionSchema,
  document: z.object({ text: z.string(), origin: originSchema }),
  bindings: bindingsSchema,
  lifecycle: lifecycleSchema.default(BORN),
  limits: limitsSchema.default({}),
  at: z.iso.datetime(),
  by: z.string(),
  why: z.string(),
  /** What differs from the version before; absent where there was none, none that could be read, or no room. */
  diff: diffSchema.optional(),
});

/**
 * One version of a tenant's policy as it is kept: the document as it was given, the bindings set over HTTP, the state and
 * the limits of the tenant, and who did it.
 */
export type StoredPolicy = z.infer<typeof storedPolicySchema>;

/** The part of a stored policy that a change changes; state and limits stay where it does not name them. */
export type PolicyContent = Pick<StoredPolicy, "document" | "bindings"> & {
  readonly state?: Lifecycle["state"];
  readonly limits?: TenantLimits;
};

/**
 * Reads a stored policy.
 * @throws when the value is not one that `encodeStoredPolicy` wrote.
 */
export function decodeStoredPolicy(value: string): StoredPolicy {
  return storedPolicySchema.parse(JSON.parse(value));
}

/** A policy as the store keeps it. */
export function encodeStoredPolicy(policy: StoredPolicy): string {
  const bindings = Array.from(policy.bindings, ([subject, roles]) => ({ subject, roles }));
  return JSON.stringify({ ...policy, bindings });
}

/** What a tenant begins with: nobody may do anything. */
export function emptyContent(tenant: string): Pick<StoredPolicy, "document" | "bindings" | "lifecycle" | "limits"> {
  const document = { text: `tenant: ${JSON.stringify(tenant)}\n`, origin: { kind: "empty" } } as const;
  return { document, bindings: new Map(), lifecycle: BORN, limits: {} };
}
