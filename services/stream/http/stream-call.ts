import { z } from "zod";
import { type CallDescription, jsonAnswer } from "#shared/http/openapi/describe-call.ts";
import { BY_TOKEN, TOKEN_ERRORS } from "#shared/http/openapi/credentials.ts";
import { POLL_PARAMETERS, STREAM_PARAMETERS } from "../subscription/stream-parameters.ts";
import { polledSchema } from "./edge-answers.ts";

const TRANSPORTS_HEADER = { "X-Sluice-Transports": "The transports that are on for the caller." };

/** What may be wrong with the beginning of a stream or a poll. */
const ERRORS = [
  ...TOKEN_ERRORS,
  "malformed_topic",
  "unsupported_parameter",
  "resource_unknown",
  "no_topic_granted",
  "transport_off",
  "forbidden",
  "tenant_suspended",
  "tenant_unknown",
  "not_found",
  "not_acceptable",
  "limit_exceeded",
  "too_many_requests",
] as const;

const HEADERS = {
  "last-event-id": z.string().max(128).describe("Resumes behind this id."),
  "x-sluice-client": z.string().describe("A name: what is refused for now is told by the status."),
};

/** The request for a stream, whatever road its frames come by. */
export const STREAM_CALL: CallDescription = {
  id: "openStream",
  tag: "Streams",
  summary: "Opens a stream of events",
  about:
    "What is refused for now is told in a frame, `busy`, of an answer with 200, or by 429 and 503 to clients that send `X-Sluice-Client`.",
  by: [...BY_TOKEN, "refreshCookie"],
  query: STREAM_PARAMETERS,
  headers: HEADERS,
  answers: {
    101: { is: "With `Upgrade: websocket`: each frame is a message, as schemas/json-frame.json describes it." },
    200: {
      is: "Frames, as docs/reference/frames.md describes them.",
      content: { "text/event-stream": z.string(), "application/x-ndjson": z.string() },
      headers: {
        ...TRANSPORTS_HEADER,
        "X-Connection-ID": "Names the stream in calls about it.",
        "X-Access-Token-Renewed": "`true` where the handshake renewed an expired token; its cookie is in the answer.",
      },
    },
  },
  errors: [...ERRORS, "upgrade_required", "subscription_unreadable", "subscription_has_callback"],
  example: { query: { topic: ["order.>"] }, status: 200 },
};

/** A poll: a stream that ends with its first answer. */
export const POLL_CALL: CallDescription = {
  id: "poll",
  tag: "Streams",
  summary: "Answers with the frames that are there, or those that come within a while",
  about: "The next poll sends `next` as Last-Event-ID. What is refused for now is a frame, `busy`, among the others.",
  by: [...BY_TOKEN, "refreshCookie"],
  query: POLL_PARAMETERS,
  headers: HEADERS,
  answers: { 200: jsonAnswer("Frames, none where nothing came in time.", polledSchema, TRANSPORTS_HEADER) },
  errors: ERRORS,
  example: { query: { topic: ["order.>"], wait: "0" }, status: 200 },
};
