import { z } from "zod";
import { parseScope } from "../protocol/scope.ts";

const MALFORMED =
  "must be permissions such as order:read with one space between, each with @ and a topic pattern where it is limited";

/** A scope that comes in from outside as a text. */
export const scopeSchema = z.string().transform((text, context) => {
  const scope = parseScope(text);
  if (scope !== undefined) return scope;
  context.addIssue({ code: "custom", message: MALFORMED });
  return z.NEVER;
});
