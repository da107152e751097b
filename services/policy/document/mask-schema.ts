import { z } from "zod";
import { isFieldPath, MAX_MASK_FIELDS } from "#shared/contract/field-path.ts";

/** A mask as a document writes it: the fields that events are delivered without, each once and sorted. */
export const maskSchema = z
  .array(
    z
      .string()
      .refine(
        isFieldPath,
        "must be the path of a field, such as customer.email or lines.*.price, with up to 8 names; what is not a letter, a digit, _ or - in a name is %XX",
      ),
  )
  .min(1)
  .max(MAX_MASK_FIELDS)
  .transform((fields) => [...new Set(fields)].toSorted());
