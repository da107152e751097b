import { z } from "zod";
import { SHARDS, SubjectRoles } from "../decide/subject-roles.ts";
import { isPartRef, type PartRef } from "./policy-parts.ts";
import { type StoredVersion, storedVersionSchema } from "./stored-policy.ts";

/**
 * A version as it stands under its tenant's key. Its document and the shards of its bindings stand beside it: it refers to
 * them, so that a change writes what it changes and this.
 */
export interface StoredHead extends StoredVersion {
  readonly content: PartsContent | WholeContent;
}

/** Where the content of a version is. */
export interface PartsContent {
  readonly document: PartRef;
  /** The shards that are not empty, by number. */
  readonly shards: ReadonlyMap<number, PartRef>;
}

/** The content itself. Earlier releases wrote heads like this; the next change of the tenant replaces them. */
export interface WholeContent {
  readonly text: string;
  readonly bindings: SubjectRoles;
}

const refSchema = z.string().refine(isPartRef);

const partsSchema = z.object({
  document: z.object({ part: refSchema }),
  shards: z
    .array(
      z.tuple([
        z
          .int()
          .min(0)
          .max(SHARDS - 1),
        refSchema,
      ]),
    )
    .transform((shards): ReadonlyMap<number, PartRef> => new Map(shards)),
});

const wholeSchema = z.object({
  document: z.object({ text: z.string() }),
  bindings: z
    .array(z.object({ subject: z.string(), roles: z.array(z.string()) }))
    .transform((bindings) => SubjectRoles.from(bindings.map(({ subject, roles }) => [subject, roles]))),
});

const contentSchema = z.union([
  partsSchema.transform(({ document, shards }): PartsContent => ({ document: document.part, shards })),
  wholeSchema.transform(({ document, bindings }): WholeContent => ({ text: document.text, bindings })),
]);

/**
 * Reads a stored head.
 * @throws when the value is not one that this or an earlier release wrote.
 */
export function decodeHead(value: string): StoredHead {
  const json: unknown = JSON.parse(value);
  return { ...storedVersionSchema.parse(json), content: contentSchema.parse(json) };
}

/** A version as the store keeps it. Of what it is given only what a head has is in it. */
export function encodeHead(
  { version, document: { origin }, lifecycle, limits, at, by, why, diff }: StoredVersion,
  content: PartsContent,
): string {
  const document = { part: content.document, origin };
  return JSON.stringify({ version, document, lifecycle, limits, at, by, why, diff, shards: [...content.shards] });
}
