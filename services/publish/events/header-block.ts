import { encodeAttribute } from "#shared/contract/attribute-value.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { PublishedEvent } from "./published-event.ts";

/** What an edge reads of an event's headers: an event with more is shown to nobody. */
const MAX_HEADER_BYTES = 16 * 1_024;
const MAX_HEADERS = 64;

/** Room for the bus: the message's id, the three headers of a batch, and the trace. */
const OF_THE_BUS = { headers: 5, bytes: 256 } as const;

/** The headers that an event is stored with, beside those of the bus: its attributes and its trace. */
export function headersOf({ attributes, traceparent }: PublishedEvent): [name: string, value: string][] {
  const headers = Object.entries(attributes).map(([name, value]): [string, string] => [
    `ce-${name}`,
    encodeAttribute(value),
  ]);
  return traceparent === undefined ? headers : [...headers, ["traceparent", traceparent]];
}

/**
 * Refuses an event whose headers no edge would read.
 * @throws {AppError} `limit_exceeded`.
 */
export function requireReadableHeaders(event: PublishedEvent): void {
  const headers = headersOf({ ...event, traceparent: undefined });
  const bytes = headers.reduce((sum, [name, value]) => sum + Buffer.byteLength(`${name}: ${value}\r\n`), 0);
  const maxHeaders = MAX_HEADERS - OF_THE_BUS.headers;
  const maxBytes = MAX_HEADER_BYTES - OF_THE_BUS.bytes;
  if (headers.length <= maxHeaders && bytes <= maxBytes) return;
  throw new AppError("limit_exceeded", `an event may have ${maxHeaders} attributes of ${maxBytes} bytes in all`);
}
