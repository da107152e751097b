import { z } from "zod";
import { nameSchema } from "#shared/contract/name-schema.ts";
import { SUBJECT_ID } from "./condition.ts";
import type { Attributes } from "./attributes.ts";
import { scalarOr, scalarsOr } from "./scalar-schema.ts";

/** Names that stand for something else in conditions and topics. */
const TAKEN: ReadonlySet<string> = new Set([SUBJECT_ID, "sub", "tenant"]);

/** The most that somebody's attributes may take, in bytes of JSON: they travel with every grant. */
export const MAX_ATTRIBUTE_BYTES = 3_072;

const textSchema = z
  .string()
  .max(128)
  .refine((value) => value.isWellFormed(), "must be Unicode text, without half characters");

const valuesSchema = z
  .union([...scalarsOr(textSchema), z.array(scalarOr(textSchema)).max(64)], {
    error: "must be a string, a number, true or false, or a list of these",
  })
  .transform((values): readonly string[] => [...new Set([values].flat())].toSorted());

/** One subject's attributes: name → a string, or a list of strings. */
export const attributesSchema = z
  .record(
    nameSchema.refine((name) => !TAKEN.has(name), "may not be id, sub or tenant"),
    valuesSchema,
  )
  .transform((record): Attributes => new Map(Object.entries(record)))
  .refine(
    (attributes) => sizeOf(attributes) <= MAX_ATTRIBUTE_BYTES,
    `may take at most ${MAX_ATTRIBUTE_BYTES} bytes as JSON`,
  );

/** What attributes take, in bytes of JSON. */
export function sizeOf(attributes: Attributes): number {
  return Buffer.byteLength(JSON.stringify([...attributes]));
}
