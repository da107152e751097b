import { isUtf8 } from "node:buffer";
import { AppError } from "#shared/errors/app-error.ts";
import { single } from "#shared/http/single-header.ts";
import type { HeaderValues } from "#shared/http/token-source.ts";
import { traceparentOf } from "#shared/protocol/traceparent.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import { type MakeId, idsFor } from "./event-ids.ts";
import { requireReadableHeaders } from "./header-block.ts";
import { parseBinaryEvent } from "./parse-binary.ts";
import { parseCloudEvent } from "./parse-cloud-event.ts";
import { parsePlainEvent } from "./parse-plain.ts";
import type { EventLimits, PublishedEvent, ReadEvent } from "./published-event.ts";
import { rawItems } from "./raw-members.ts";

/** A request that carries events. */
export interface EventsRequest {
  /** By lower-case name. */
  readonly headers: HeaderValues;
  readonly body: Uint8Array;
}

/**
 * Reads the events of a request: one or a list of `{type, key?, data, id?, attributes?}` as `application/json`; CloudEvents 1.0,
 * structured, as a batch, or binary with its attributes in `ce-` headers (CloudEvents HTTP binding, section 3).
 * @throws {AppError} `unsupported_media_type`, `malformed_request`, `malformed_topic`, or `limit_exceeded` for more or larger events
 * than there may be.
 */
export function parseEvents({ headers, body }: EventsRequest, limits: EventLimits): readonly PublishedEvent[] {
  const contentType = single(headers["content-type"]);
  const mediaType = mediaTypeOf(contentType);
  const makeId = idsFor(single(headers["idempotency-key"]));
  const events = parseAs(formatOf(mediaType, headers), { headers, body, contentType }, makeId, limits);
  const traceparent = traceparentOf(single(headers["traceparent"]));
  return events.map((event, place) =>
    atPlace(events.length, place, () => {
      const complete = { ...event, traceparent: traceparent ?? traceparentOf(event.attributes["traceparent"]) };
      requireReadableHeaders(complete);
      if (event.payload.length > limits.maxEventBytes) {
        throw new AppError("limit_exceeded", `an event's data may have ${limits.maxEventBytes} bytes`);
      }
      return complete;
    }),
  );
}

type Format = "plain" | "structured" | "batch" | "binary";

const FORMATS: Readonly<Record<string, Format>> = {
  "application/json": "plain",
  "application/cloudevents+json": "structured",
  "application/cloudevents-batch+json": "batch",
};

function formatOf(mediaType: string, headers: HeaderValues): Format {
  // `ce-` headers beside a structured event are to be ignored (CloudEvents HTTP binding, section 3.2).
  if (!mediaType.startsWith("application/cloudevents") && headers["ce-specversion"] !== undefined) return "binary";
  const format = FORMATS[mediaType];
  if (format !== undefined) return format;
  throw new AppError(
    "unsupported_media_type",
    "send application/json, application/cloudevents+json or application/cloudevents-batch+json, or CloudEvents headers (ce-specversion and others)",
  );
}

type EventBody = EventsRequest & { readonly contentType: string | undefined };

function parseAs(format: Format, request: EventBody, makeId: MakeId, limits: EventLimits): ReadEvent[] {
  const text = readText(request.body);
  if (format === "binary") return [parseBinaryEvent(request.headers, request.contentType, text)];
  const value = parseJson(text);
  if (value === undefined) throw new AppError("malformed_request", "the body is not JSON");
  const isList = format === "batch" || (format === "plain" && Array.isArray(value));
  if (!isList)
    return [format === "plain" ? parsePlainEvent({ value, text }, makeId(0)) : parseCloudEvent({ value, text })];
  if (!Array.isArray(value)) throw new AppError("malformed_request", "a batch must be a list of events");
  requireCount(value.length, limits);
  const texts = rawItems(text);
  return value.map((each: unknown, place) => {
    const event = { value: each, text: texts[place] ?? "" };
    return atPlace(value.length, place, () =>
      format === "plain" ? parsePlainEvent(event, makeId(place)) : parseCloudEvent(event),
    );
  });
}

function requireCount(count: number, { maxEvents }: EventLimits): void {
  if (count === 0) throw new AppError("malformed_request", "there is no event in the batch");
  if (count > maxEvents) throw new AppError("limit_exceeded", `a batch may have ${maxEvents} events, not ${count}`);
}

function readText(body: Uint8Array): string {
  if (!isUtf8(body)) throw new AppError("malformed_request", "the body must be UTF-8");
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8");
}

/** A charset other than UTF-8 would make other text of the same bytes. */
function mediaTypeOf(contentType: string | undefined): string {
  const [mediaType = "", ...parameters] = (contentType ?? "")
    .toLowerCase()
    .split(";")
    .map((part) => part.trim());
  const charset = parameters.find((each) => each.startsWith("charset="))?.slice("charset=".length);
  if (charset === undefined || /^"?utf-?8"?$/.test(charset)) return mediaType;
  throw new AppError("unsupported_media_type", "the body must be UTF-8");
}

/**
 * Does something with an event; what is wrong with it names its place, where there are several.
 * @throws what `work` throws.
 */
function atPlace<Result>(count: number, place: number, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (count === 1 || !(error instanceof AppError)) throw error;
    throw new AppError(error.code, `events[${place}]: ${error.message}`, { cause: error });
  }
}
