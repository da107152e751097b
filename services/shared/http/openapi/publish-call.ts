import { z } from "zod";
import { cloudEventSchema, plainEventSchema, publishedSchema } from "#shared/contract/published-events.ts";
import { BY_TOKEN, TOKEN_ERRORS } from "./credentials.ts";
import { type CallDescription, jsonAnswer } from "./describe-call.ts";

/** Where events are published. */
export const EVENTS_PATH = "/v1/events";

/** `POST /v1/events`, which the publisher serves and the edge hands on to it. */
export const PUBLISH_CALL: CallDescription = {
  id: "publishEvents",
  tag: "Events",
  summary: "Publishes events of the token's tenant, all of them or none",
  about:
    "A body of any other media type is the data of one CloudEvent whose attributes are `ce-` headers, `ce-specversion: 1.0` among them.",
  by: BY_TOKEN,
  headers: { "idempotency-key": z.string().describe("Gives ids to events that bring none, by their places.") },
  body: {
    content: {
      "application/json": z.union([plainEventSchema, z.array(plainEventSchema).min(1)]),
      "application/cloudevents+json": cloudEventSchema,
      "application/cloudevents-batch+json": z.array(cloudEventSchema).min(1),
    },
  },
  answers: { 200: jsonAnswer("Every event is stored.", publishedSchema) },
  errors: [
    ...TOKEN_ERRORS,
    "malformed_topic",
    "forbidden",
    "tenant_suspended",
    "unsupported_media_type",
    "schema_violated",
    "limit_exceeded",
    "too_many_requests",
  ],
  example: { body: { type: "order.created", key: "42", id: "order-42", data: { total: 12 } }, status: 200 },
};
