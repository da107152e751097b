import { decodeAttribute } from "#shared/contract/attribute-value.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { single } from "#shared/http/single-header.ts";
import type { HeaderValues } from "#shared/http/token-source.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import { cloudEventOf, isJsonType } from "./cloud-event.ts";
import type { ReadEvent } from "./published-event.ts";

const PREFIX = "ce-";

/**
 * Reads a CloudEvent whose attributes stand in headers and whose data is the body (CloudEvents HTTP binding, section 3.1).
 * @throws {AppError} `malformed_request`, `malformed_topic`.
 */
export function parseBinaryEvent(headers: HeaderValues, contentType: string | undefined, text: string): ReadEvent {
  const attributes: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(PREFIX)) attributes[name.slice(PREFIX.length)] = decodeValue(name, single(value));
  }
  if ("datacontenttype" in attributes) throw malformed("Content-Type says what the data is, not ce-datacontenttype");
  if (contentType !== undefined) attributes["datacontenttype"] = contentType;
  if (isJsonType(contentType) && parseJson(text) === undefined) throw malformed("the body is not JSON");
  return cloudEventOf(attributes, Buffer.from(text));
}

function decodeValue(name: string, text = ""): string {
  const value = decodeAttribute(text);
  if (value === undefined) throw malformed(`${name} holds a percent sign that encodes nothing: write %25`);
  return value;
}

function malformed(message: string): AppError {
  return new AppError("malformed_request", message);
}
