import { z } from "zod";
import type { Subject } from "../decide/resolve-subject.ts";
import { questionFields, questionOf } from "../document/question-fields.ts";

/** Whom a question is about, and what is asked. */
export const questionSchema = z
  .strictObject(questionFields)
  .transform(({ subject: id, roles, groups, ...asked }, context) => {
    const subject: Subject = { id, roles, groups };
    const question = questionOf(asked);
    if (question !== undefined) return { subject, question };
    context.addIssue("one of permission, topic, and method with path must be given");
    return z.NEVER;
  });
