import { isUtf8 } from "node:buffer";
import { AppError } from "#shared/errors/app-error.ts";
import { cloudEventOf, isJsonType } from "./cloud-event.ts";
import type { EventText, ReadEvent } from "./published-event.ts";
import { rawMembers } from "./raw-members.ts";

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/**
 * Reads an event in the JSON format of CloudEvents 1.0 (section 3).
 * @throws {AppError} `malformed_request`, `malformed_topic`.
 */
export function parseCloudEvent({ value, text }: EventText): ReadEvent {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw malformed("an event must be an object");
  const { data, data_base64: base64, ...attributes } = value as Record<string, unknown>;
  const payload = payloadOf(data, base64, rawMembers(text), attributes["datacontenttype"]);
  return cloudEventOf(attributes, payload);
}

/** Data that is JSON stands in the event as JSON, other text as a string, and bytes as base64. */
function payloadOf(data: unknown, base64: unknown, raw: ReadonlyMap<string, string>, contentType: unknown): Buffer {
  if (base64 !== undefined && data !== undefined) throw malformed('an event has either "data" or "data_base64"');
  if (base64 !== undefined) return decodeBase64(base64);
  if (data === undefined) return Buffer.alloc(0);
  if (contentType === undefined || contentType === null || isJsonType(contentType)) {
    return Buffer.from(raw.get("data") ?? "");
  }
  if (typeof data === "string" && data.isWellFormed()) return Buffer.from(data);
  throw malformed('"data" must be a text where "datacontenttype" is not JSON');
}

function decodeBase64(base64: unknown): Buffer {
  if (typeof base64 !== "string" || !BASE64.test(base64)) throw malformed('"data_base64" must be base64');
  const bytes = Buffer.from(base64, "base64");
  if (isUtf8(bytes)) return bytes;
  throw malformed('"data_base64" must hold text in UTF-8: browsers get events as text');
}

function malformed(message: string): AppError {
  return new AppError("malformed_request", message);
}
