import { z } from "zod";
import { nameSchema } from "#shared/contract/names.ts";
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
  .array(z.object({ subject: nameSchema, roles: z.array(nameSchema) }))
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

const storedPolicySchema = z.object({
  version: versionSchema,
  document: z.object({ text: z.string(), origin: originSchema }),
  bindings: bindingsSchema,
  at: z.iso.datetime(),
  by: z.string(),
  why: z.string(),
  /** What differs from the version before; absent where there was none, none that could be read, or no room. */
  diff: diffSchema.optional(),
});

/** One version of a tenant's policy as it is kept: the document as it was given, the bindings set over HTTP, and who did it. */
export type StoredPolicy = z.infer<typeof storedPolicySchema>;

/** The part of a stored policy that a change changes. */
export type PolicyContent = Pick<StoredPolicy, "document" | "bindings">;

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
export function emptyContent(tenant: string): PolicyContent {
  return { document: { text: `tenant: ${JSON.stringify(tenant)}\n`, origin: { kind: "empty" } }, bindings: new Map() };
}
