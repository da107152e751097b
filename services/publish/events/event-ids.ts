import { hash, randomUUID } from "node:crypto";
import { AppError } from "#shared/errors/app-error.ts";
import { compositeKey } from "#shared/protocol/composite-key.ts";
import type { PublishedEvent } from "./published-event.ts";

/** An `Idempotency-Key`, possibly in quotes as the IETF draft writes it. */
const IDEMPOTENCY_KEY = /^(?:"([\x21\x23-\x5b\x5d-\x7e]{1,256})"|([\x21\x23-\x7e]{1,256}))$/;

/** Gives the event at a place of its request an id. */
export type MakeId = (place: number) => string;

/**
 * How the events of a request that bring no id get theirs: from the request's `Idempotency-Key`, so that the same request again
 * is the same events; at random where there is none.
 * @throws {AppError} `malformed_request` for a key that is none.
 */
export function idsFor(idempotencyKey: string | undefined): MakeId {
  if (idempotencyKey === undefined) return () => randomUUID();
  const [, quoted, plain] = IDEMPOTENCY_KEY.exec(idempotencyKey) ?? [];
  const key = quoted ?? plain;
  if (key === undefined) {
    throw new AppError("malformed_request", "Idempotency-Key must be 1 to 256 visible characters");
  }
  return (place) => `key-${digestOf("key", key)}-${place}`;
}

/**
 * The id by which the bus knows an event again. It belongs to its publisher, topic and source: with an id alone one person
 * could swallow another's event by using its id first, and one topic's event another's.
 */
export function messageIdOf(publisher: string, { id, topic, attributes }: PublishedEvent): string {
  return `http-${digestOf("event", publisher, topic, attributes["source"] ?? "", id)}`;
}

/**
 * Refuses a request in which one event stands twice: the second would be swallowed.
 * @throws {AppError} `malformed_request`.
 */
export function requireDistinct(publisher: string, events: readonly PublishedEvent[]): void {
  if (events.length === 1) return;
  const seen = new Set<string>();
  for (const [place, event] of events.entries()) {
    const messageId = messageIdOf(publisher, event);
    if (seen.has(messageId)) {
      throw new AppError("malformed_request", `events[${place}]: this id and topic stand in the batch twice`);
    }
    seen.add(messageId);
  }
}

function digestOf(...parts: readonly [string, ...string[]]): string {
  return hash("sha256", compositeKey(...parts), "base64url").slice(0, 32);
}
