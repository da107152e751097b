import { z } from "zod";
import type { ClaimedSubject } from "../decide/trusted-subject.ts";
import { questionFields, questionOf } from "../document/question-fields.ts";

/** A question: its subject, and what is asked. */
export const questionSchema = z
  .strictObject(questionFields)
  .transform(({ subject: id, roles, groups, issuer, scope, ...asked }, context) => {
    const subject: ClaimedSubject = { id, roles, groups, issuer, scope };
    const question = questionOf(asked);
    if (question !== undefined) return { subject, question };
    context.addIssue("one of permission, topic, and method with path must be given");
    return z.NEVER;
  });
