import { z } from "zod";
import type { PolicyCase } from "./policy-document.ts";
import { questionFields, questionOf } from "./question-fields.ts";

/** The most test cases a document may carry. They run whenever it is applied: 0.2 s, with the most rules there may be. */
export const MAX_CASES = 256;

/** A test case: a question, and the answer that the document must give. */
export const caseSchema = z
  .strictObject({ ...questionFields, expect: z.enum(["allow", "deny"]) })
  .transform(({ subject: id, roles, groups, issuer, claims, scope, expect, ...asked }, context): PolicyCase => {
    const question = questionOf(asked);
    if (question !== undefined)
      return { subject: { id, roles, groups, issuer, attributes: claims, scope }, question, expect };
    context.addIssue("must ask for one thing: a permission, a topic, publish, or a method and a path");
    return z.NEVER;
  });
