import { AppError } from "#shared/errors/app-error.ts";
import { readAttributes, readId } from "./attributes.ts";
import { topicOf } from "./event-topic.ts";
import type { ReadEvent } from "./published-event.ts";

const REQUIRED = ["specversion", "id", "source", "type"] as const;

/**
 * A CloudEvent as an event: its `type` is the event type, its `subject` the rest of the topic, and each attribute stays what it is.
 * @throws {AppError} `malformed_request`, `malformed_topic`.
 */
export function cloudEventOf(given: Readonly<Record<string, unknown>>, payload: Buffer): ReadEvent {
  const attributes = readAttributes(given);
  const missing = REQUIRED.find((name) => !attributes[name]);
  if (missing !== undefined) throw malformed(`a CloudEvent must have "${missing}"`);
  const { specversion, type = "", subject } = attributes;
  if (specversion !== "1.0") throw malformed('"specversion" must be "1.0"');
  const id = readId("id", attributes["id"]);
  return { id, topic: topicOf({ type: "type", key: "subject" }, type, subject), type, payload, attributes };
}

/** Whether a media type is one of JSON (RFC 6839, section 3.1). */
export function isJsonType(contentType: unknown): boolean {
  return typeof contentType === "string" && /^[^;]+\/(?:[^;]+\+)?json\s*(?:;|$)/i.test(contentType);
}

function malformed(message: string): AppError {
  return new AppError("malformed_request", message);
}
