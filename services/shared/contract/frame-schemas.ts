import { z } from "zod";
import type { ControlData, ControlEvent } from "../protocol/control-frames.ts";
import { busyTexts } from "../protocol/busy-reasons.ts";

/** A topic pattern of a stream, and whether any event under it could be delivered. */
export const topicGrantSchema = z.object({ topic: z.string(), granted: z.boolean() });

const grantsSchema = z.array(topicGrantSchema);
const retryMsSchema = z.int().min(1_000);
const subjectSchema = z.string();

/** The data of each frame of our own, by the name of its event. Readers pass members that they do not know: more will come. */
export const frameSchemas = {
  ready: z.object({
    connectionId: z.string(),
    tenant: z.string(),
    subject: subjectSchema,
    topics: grantsSchema,
    expiresAt: z.iso.datetime(),
    restored: z.boolean().exactOptional(),
    presence: grantsSchema.exactOptional(),
  }),
  cursor: z.literal(""),
  gap: z.object({ from: z.string(), to: z.string(), reason: z.enum(["retention", "purged", "erased"]) }),
  reset: z.object({ reason: z.enum(["epoch", "tail_lost", "unknown_id"]) }),
  subscription: z.object({
    topics: grantsSchema,
    effectiveFrom: z.string(),
    presence: grantsSchema.exactOptional(),
  }),
  presence: z.object({
    topic: z.string(),
    seq: z.int().min(0),
    snapshot: z.literal(true).exactOptional(),
    joined: z.array(z.object({ subject: subjectSchema, since: z.iso.datetime() })),
    left: z.array(subjectSchema),
    devices: z.int().min(0).exactOptional(),
    partial: z.boolean(),
  }),
  session: z.object({ expiresAt: z.iso.datetime() }),
  auth_error: z.object({ reason: z.enum(["expired", "revoked", "forbidden"]) }),
  degraded: z.object({ reason: z.enum(["log", "region", "authorization", "history"]) }),
  recovered: z.object({ reason: z.enum(["log", "region", "authorization", "history"]) }),
  busy: z.object({
    reason: z.enum(Object.keys(busyTexts) as (keyof typeof busyTexts)[]),
    detail: z.string(),
    retryMs: retryMsSchema,
  }),
  bye: z.object({ reason: z.string(), retryMs: retryMsSchema }),
} satisfies { readonly [Event in ControlEvent]: z.ZodType<ControlData[Event]> };

/** A frame on the roads that send JSON: the fields of a block of Server-Sent Events. `{}` is a heartbeat. */
export const jsonFrameSchema = z.object({
  event: z.string().optional(),
  id: z.string().max(128).optional(),
  retry: z.int().min(1_000).optional(),
  data: z.string().optional().describe("Always a text: what `MessageEvent.data` would be."),
});

/** A problem document (RFC 9457), as every refusal over HTTP is one. */
export const problemSchema = z
  .object({
    type: z.string().describe("`urn:sluice:error:<code>`; docs/reference/errors.md says what it means."),
    title: z.string().describe("The same for each error of a code."),
    status: z.int(),
    detail: z.string(),
    instance: z.string().describe("`urn:sluice:request:<id>`: leads to the log line of the request."),
    code: z.string().describe("Stable: what programs decide by."),
  })
  .meta({ id: "Problem" });
