import { z } from "zod";

/** An event in our own format, as a producer sends it over HTTP. */
export const plainEventSchema = z
  .strictObject({
    type: z.string().describe("The event type, two tokens of the topic: `order.created`."),
    /** What stands behind the type in the topic, as tokens; or names, which are encoded as a token each. */
    key: z
      .union([z.string(), z.array(z.string().min(1).max(256)).min(1).max(6)])
      .optional()
      .describe("The rest of the topic: its tokens with dots between, or a list of names, which are encoded."),
    data: z.unknown().optional().describe("Any JSON; it must be there."),
    id: z.string().optional().describe("1 to 256 bytes; made where there is none."),
    attributes: z.record(z.string(), z.unknown()).default({}).describe("Texts, numbers and booleans by name."),
  })
  .meta({ id: "PlainEvent" });

/** A CloudEvent 1.0 in its JSON format, as a producer sends it and as a stream with `format=cloudevents` delivers it. */
export const cloudEventSchema = z
  .looseObject({
    specversion: z.literal("1.0"),
    id: z.string(),
    source: z.string(),
    type: z.string(),
    subject: z.string().optional(),
    time: z.string().optional(),
    datacontenttype: z.string().optional(),
    data: z.unknown().optional(),
    data_base64: z.string().optional(),
  })
  .meta({ id: "CloudEvent" });

/** The answer to a request that published: the ids in the order of the events, and those that were stored before. */
export const publishedSchema = z
  .object({ ids: z.array(z.string()), duplicates: z.array(z.string()) })
  .meta({ id: "Published" });
