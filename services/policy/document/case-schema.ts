import { z } from "zod";
import { nameSchema } from "#shared/contract/names.ts";
import { isTopic } from "#shared/contract/topics.ts";
import { permissionSchema } from "./permission.ts";
import type { PolicyCase } from "./policy-document.ts";

/** The most test cases a document may carry: they run whenever it is applied. */
export const MAX_CASES = 256;

/** A test case: somebody, what they ask for, and the answer that the document must give. */
export const caseSchema = z
  .strictObject({
    subject: nameSchema,
    roles: z.array(nameSchema).max(64).default([]),
    groups: z.array(nameSchema).max(256).default([]),
    permission: permissionSchema.optional(),
    topic: z.string().refine(isTopic, "must be a topic such as order.created.42, without wildcards").optional(),
    expect: z.enum(["allow", "deny"]),
  })
  .refine(({ permission, topic }) => (permission === undefined) !== (topic === undefined), {
    error: "must ask for either a permission or a topic",
  })
  .transform(({ permission, topic = "", ...who }): PolicyCase => ({
    ...who,
    question: permission === undefined ? { of: "topic", topic } : { of: "permission", permission },
  }));
