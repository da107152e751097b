import { traceparentOf } from "#shared/protocol/traceparent.ts";
import { decodeAttribute } from "./attribute-value.ts";

/** A message's headers, whoever sent it. */
interface Headers {
  keys(): string[];
  get(name: string): string;
}

/** The header of W3C Trace Context. */
const TRACE = "traceparent";

const NONE: Readonly<Record<string, string>> = Object.freeze({});

const CONTROL = /\p{Cc}/u;

/**
 * The headers of an event that count, by lower-case name: `Nats-Msg-Id`, `traceparent`, and the `ce-*` of CloudEvents' NATS binding,
 * decoded. A value that encodes nothing, or a control character, stays as it came.
 */
export function attributesOf(headers: Headers | undefined): Readonly<Record<string, string>> {
  const kept = headers?.keys().filter((name) => isAttribute(name.toLowerCase())) ?? [];
  if (headers === undefined || kept.length === 0) return NONE;
  return Object.fromEntries(kept.map((name) => [name.toLowerCase(), valueOf(name, headers.get(name))]));
}

function isAttribute(name: string): boolean {
  return name === "nats-msg-id" || name === TRACE || isOfCloudEvents(name);
}

function isOfCloudEvents(name: string): boolean {
  return name.startsWith("ce-");
}

function valueOf(name: string, text: string): string {
  if (!isOfCloudEvents(name.toLowerCase())) return text;
  const value = decodeAttribute(text);
  return value === undefined || CONTROL.test(value) ? text : value;
}

/** The trace that an event belongs to: of its message, or as its producer says in the event itself. */
export function traceOf(attributes: Readonly<Record<string, string>>): string | undefined {
  const given = attributes[TRACE] ?? attributes[`ce-${TRACE}`];
  return given === undefined ? undefined : traceparentOf(given);
}
