import { z } from "zod";
import { freeNameSchema, nameSchema } from "#shared/contract/name-schema.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import { isTopicPattern } from "#shared/protocol/topics.ts";
import type { Interest } from "../presence/ports.ts";
import { MAX_LISTED, type PresenceNews } from "../presence/presence-news.ts";
import {
  MARK_CHARACTERS,
  MAX_COUNTED,
  MAX_PEOPLE,
  MAX_TOPICS_LISTED,
  type Listener,
  type PresenceAnswer,
  type PresenceQuestion,
} from "../presence/presence-question.ts";

/** What a message of the bus may hold. */
const MAX_BYTES = 1_024 * 1_024;

const topicSchema = z.string().refine(isTopicPattern, "must be a topic pattern");
const countSchema = z.int().min(0).max(1_000_000);
const timeSchema = z.number().min(0).max(8.64e15);
const runSchema = z.string().max(64);

/**
 * `satisfies` names a field that is missing here: the schema would refuse it on its way. A question with something that this release does
 * not know is refused, as that may limit it; in answers and news it is passed over.
 */
const questionSchema = z.strictObject({
  from: nameSchema,
  tenant: nameSchema,
  topic: topicSchema,
  subject: freeNameSchema.optional(),
  wants: z.enum(["people", "count", "topics"]),
  after: z.string().max(256),
  limit: z.int().min(0).max(MAX_PEOPLE),
} satisfies Record<keyof PresenceQuestion, z.ZodType> & Record<"from", z.ZodType>);

const listenerSchema = z.object({
  subject: freeNameSchema,
  sinceMs: timeSchema,
  devices: countSchema,
} satisfies Record<keyof Listener, z.ZodType>);

const answerSchema = z.object({
  from: nameSchema,
  people: z.array(listenerSchema).max(MAX_PEOPLE),
  hasMore: z.boolean(),
  devices: countSchema,
  marks: z
    .string()
    .max(MAX_COUNTED * MARK_CHARACTERS)
    .regex(/^[A-Za-z0-9_-]*$/)
    .refine(({ length }) => length % MARK_CHARACTERS === 0),
  topics: z.array(topicSchema).max(MAX_TOPICS_LISTED),
} satisfies Record<keyof PresenceAnswer, z.ZodType> & Record<"from", z.ZodType>);

const interestSchema = z.object({
  from: nameSchema,
  tenant: nameSchema,
  topic: topicSchema,
  known: z.record(nameSchema, z.object({ run: runSchema, seq: z.int().min(0) })),
} satisfies Record<keyof Interest, z.ZodType> & Record<"from", z.ZodType>);

const newsSchema = z.object({
  from: nameSchema,
  run: runSchema,
  seq: z.int().min(0),
  isWhole: z.boolean(),
  isListed: z.boolean(),
  joined: z.array(z.tuple([freeNameSchema, timeSchema])).max(MAX_LISTED),
  left: z.array(freeNameSchema).max(MAX_LISTED),
  devices: countSchema,
} satisfies Record<keyof PresenceNews, z.ZodType> & Record<"from", z.ZodType>);

/** What goes over the bus, each with the id of the worker that it comes from. */
export type Sent<Body> = Body & { readonly from: string };

/** Reads a message of another worker; undefined where it is none that this release knows. */
export const readQuestion = reading<Sent<PresenceQuestion>>(questionSchema);
export const readPresenceAnswer = reading<Sent<PresenceAnswer>>(answerSchema);
export const readInterest = reading<Sent<Interest>>(interestSchema);
export const readNews = reading<Sent<PresenceNews>>(newsSchema);

function reading<Body>(schema: z.ZodType<Body>): (data: Uint8Array) => Body | undefined {
  return (data) => {
    if (data.length > MAX_BYTES) return undefined;
    return schema.safeParse(parseJson(new TextDecoder().decode(data))).data;
  };
}
