import { z } from "zod";

/** A text, or a number or a boolean as the text that conditions read. */
export function scalarOr(text: z.ZodType<string, string>) {
  return z.union(scalarsOr(text), { error: "must be a string, a number, true or false" });
}

/** The choices of `scalarOr`, for a union with others. */
export function scalarsOr(text: z.ZodType<string, string>) {
  const number = z
    .number()
    .refine(
      (value) => !Number.isInteger(value) || Number.isSafeInteger(value),
      "has more digits than a number keeps; put it in quotes",
    );
  return [text, number.transform(String), z.boolean().transform(String)] as const;
}
