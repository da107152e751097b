import { z } from "zod";

/** What a tenant id, a subject token, a user id or any other name that travels in subjects and keys may be made of. */
const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** The same rule as a schema, for values that come in from outside. */
export const nameSchema = z.string().regex(NAME, "must be 1 to 64 of the characters A-Z a-z 0-9 _ -");

/** Whether `value` is a name. Anything else must never reach a subject, a key or a pattern. */
export function isName(value: string): boolean {
  return NAME.test(value);
}
