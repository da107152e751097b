import { z } from "zod";
import { isFreeName, NAME } from "../protocol/names.ts";

/** An id that comes in from outside: a tenant's, a session's, a connection's. */
export const nameSchema = z.string().regex(NAME, "must be 1 to 64 of the characters A-Z a-z 0-9 _ -");

/** The free names among the values of a claim, each once. Others are left out: no policy can name them. */
export function freeNamesIn(values: readonly unknown[]): string[] {
  return [...new Set(values.filter((value): value is string => typeof value === "string" && isFreeName(value)))];
}

/** A person's, a group's or a role's name that comes in from outside. */
export const freeNameSchema = z
  .string()
  .refine(isFreeName, "must be 1 to 256 bytes of UTF-8 in normal form C, without control characters");
