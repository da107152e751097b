import { z } from "zod";
import type { CallDescription } from "#shared/http/openapi/describe-call.ts";
import { BY_TOKEN, TOKEN_ERRORS } from "#shared/http/openapi/credentials.ts";
import { STREAM_PARAMETERS } from "../subscription/stream-parameters.ts";

/** The request for a stream, whatever road its frames come by. */
export const STREAM_CALL: CallDescription = {
  id: "openStream",
  tag: "Streams",
  summary: "Opens a stream of events",
  about:
    "What is refused for now is told in a frame, `busy`, of an answer with 200, or by 429 and 503 to clients that send `X-Sluice-Client`.",
  by: [...BY_TOKEN, "refreshCookie"],
  query: STREAM_PARAMETERS,
  headers: {
    "last-event-id": z.string().max(128).describe("Resumes behind this id."),
    "x-sluice-client": z.string().describe("A name: what is refused for now is told by the status."),
  },
  answers: {
    200: {
      is: "Frames, as docs/reference/frames.md describes them.",
      content: { "text/event-stream": z.string() },
      headers: {
        "X-Connection-ID": "Names the stream in calls about it.",
        "X-Access-Token-Renewed": "`true` where the handshake renewed an expired token; its cookie is in the answer.",
      },
    },
  },
  errors: [
    ...TOKEN_ERRORS,
    "malformed_topic",
    "unsupported_parameter",
    "resource_unknown",
    "no_topic_granted",
    "forbidden",
    "tenant_suspended",
    "tenant_unknown",
    "not_found",
    "not_acceptable",
    "subscription_unreadable",
    "subscription_has_callback",
    "limit_exceeded",
    "too_many_requests",
  ],
  example: { query: { topic: ["order.*"] }, status: 200 },
};
