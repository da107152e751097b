import { z } from "zod";
import { nameSchema } from "#shared/contract/names.ts";
import { isTopic } from "#shared/contract/topics.ts";
import { permissionSchema } from "./permission.ts";
import type { PolicyCase } from "./policy-document.ts";

/** The most test cases a document may carry: they run whenever it is applied. */
export const MAX_CASES = 256;

/**
 * A test case: whom it is about, exactly one of `permission`, `topic` (with the event's `attributes`), and `method` with
 * `path`, and the answer that the document must give.
 */
export const caseSchema = z
  .strictObject({
    subject: nameSchema,
    roles: z.array(nameSchema).max(64).default([]),
    groups: z.array(nameSchema).max(256).default([]),
    permission: permissionSchema.optional(),
    topic: z.string().refine(isTopic, "must be a topic such as order.created.42, without wildcards").optional(),
    attributes: z.record(z.string().max(64), z.string().max(1_024)).optional(),
    method: z.string().max(16).optional(),
    path: z.string().max(8_192).optional(),
    expect: z.enum(["allow", "deny"]),
  })
  .transform(({ subject: id, roles, groups, expect, ...asked }, context): PolicyCase => {
    const question = questionOf(asked);
    if (question !== undefined) return { subject: { id, roles, groups }, question, expect };
    context.addIssue("must ask for one thing: a permission, a topic, or a method and a path");
    return z.NEVER;
  });

interface Asked {
  readonly permission?: string | undefined;
  readonly topic?: string | undefined;
  readonly attributes?: Record<string, string> | undefined;
  readonly method?: string | undefined;
  readonly path?: string | undefined;
}

function questionOf({ permission, topic, attributes, method, path }: Asked): PolicyCase["question"] | undefined {
  const given = [permission, topic, method ?? path].filter((each) => each !== undefined);
  if (given.length !== 1 || (attributes !== undefined && topic === undefined)) return undefined;
  if (permission !== undefined) return { of: "permission", permission };
  if (topic !== undefined) return { of: "event", topic, attributes: attributes ?? {} };
  return method === undefined || path === undefined ? undefined : { of: "request", method, path };
}
