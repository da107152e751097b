import { scopeSchema } from "#shared/contract/scope-schema.ts";
import { z } from "zod";
import type { EventAttributes } from "#shared/contract/event-condition.ts";
import { freeNameSchema } from "#shared/contract/name-schema.ts";
import { topicTextSchema } from "#shared/contract/topic-schema.ts";
import { isTopic } from "#shared/protocol/topics.ts";
import { attributesSchema } from "./attributes-schema.ts";
import { permissionSchema } from "./permission.ts";
import { scalarOr } from "./scalar-schema.ts";

/** What somebody outside asks: may this subject have a permission, see an event, publish it, make a request? */
export type Question =
  | { readonly of: "permission"; readonly permission: string }
  | { readonly of: "event" | "publish"; readonly topic: string; readonly attributes: EventAttributes }
  | { readonly of: "request"; readonly method: string; readonly path: string };

/** The `iss` of the token that would carry the roles and groups; auth's where it is not given. */
export const issuerSchema = z.string().min(1).max(1_024).optional();

/** More roles or groups than a token has room for. */
const MAX_CLAIMED = 16_384;

const topicSchema = topicTextSchema.refine(isTopic, "must be a topic such as order.created.42, without wildcards");

/**
 * A question: its subject (`claims` are attributes that its token would carry), and exactly one of `permission`, `topic` or `publish` (with the event's
 * `attributes`), and `method` with `path`.
 */
export const questionFields = {
  subject: freeNameSchema,
  roles: z.array(freeNameSchema).max(MAX_CLAIMED).default([]),
  groups: z.array(freeNameSchema).max(MAX_CLAIMED).default([]),
  issuer: issuerSchema,
  claims: attributesSchema.optional(),
  scope: scopeSchema.optional(),
  permission: permissionSchema.optional(),
  topic: topicSchema.optional(),
  publish: topicSchema.optional(),
  attributes: z.record(z.string().max(64), scalarOr(z.string().max(1_024))).optional(),
  method: z.string().max(16).optional(),
  path: z.string().max(8_192).optional(),
};

interface Asked {
  readonly permission?: string | undefined;
  readonly topic?: string | undefined;
  readonly publish?: string | undefined;
  readonly attributes?: EventAttributes | undefined;
  readonly method?: string | undefined;
  readonly path?: string | undefined;
}

/** The one thing that is asked; undefined where it is none, or more than one. */
export function questionOf({ permission, topic, publish, attributes, method, path }: Asked): Question | undefined {
  const given = [permission, topic, publish, method ?? path].filter((each) => each !== undefined);
  if (given.length !== 1 || (attributes !== undefined && (topic ?? publish) === undefined)) return undefined;
  if (permission !== undefined) return { of: "permission", permission };
  if (topic !== undefined) return { of: "event", topic, attributes: attributes ?? {} };
  if (publish !== undefined) return { of: "publish", topic: publish, attributes: attributes ?? {} };
  return method === undefined || path === undefined ? undefined : { of: "request", method, path };
}
