import { z } from "zod";
import { questionFields, questionOf } from "../document/question-fields.ts";
import type { AskedSubject } from "../sessions/held-rights.ts";

/** A question: its subject, and what is asked. Roles and groups that are not given are those of the person now. */
export const questionSchema = z
  .strictObject({
    ...questionFields,
    roles: questionFields.roles.unwrap().optional(),
    groups: questionFields.groups.unwrap().optional(),
  })
  .transform(({ subject: id, roles, groups, issuer, claims: attributes, scope, ...asked }, context) => {
    const subject: AskedSubject = { id, roles, groups, issuer, attributes, scope };
    const question = questionOf(asked);
    if (question !== undefined) return { subject, question };
    context.addIssue("one of permission, topic, publish, and method with path must be given");
    return z.NEVER;
  });
