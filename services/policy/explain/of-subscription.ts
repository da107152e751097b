import type { StoredSubscription } from "#shared/contract/subscription-record.ts";
import { topicMatches } from "#shared/protocol/topics.ts";
import { type Finding, finding, namesText, timeText } from "./link.ts";
import type { Place } from "./trace-streams.ts";

/** What one stream or subscription says of an event. */
export interface Statement extends Finding {
  /** The event is on its way. */
  readonly isPending?: boolean;
}

/**
 * The links that are about streams, where a durable subscription of the person has taken the event: it may be posted to an address, and a stream that held
 * it may be forgotten. Undefined where none has.
 */
export function takenLinks(
  records: ReadonlyMap<string, StoredSubscription | undefined> | undefined,
  place: Place,
  now: number,
): Record<"connected" | "topic" | "session", Finding> | undefined {
  const taking = [...(records ?? [])].filter(([name, record]) =>
    ofSubscription(name, record, place, now).some(({ answer }) => answer === "yes"),
  );
  if (taking.length === 0) return undefined;
  const the = `The durable subscription ${namesText(taking.map(([name]) => name))}`;
  return {
    connected: finding("yes", `${the} took it.`),
    topic: finding("yes", `${the} wants ${place.topic}.`),
    session: finding("yes", `${the} needs none to keep an event.`),
  };
}

/** What a durable subscription that wants the event says of it; nothing where it does not want it. */
export function ofSubscription(
  name: string,
  record: StoredSubscription | undefined,
  { epoch, seq, topic }: Place,
  now: number,
): Statement[] {
  const the = `The durable subscription ${name}`;
  if (record === undefined) return [finding("unknown", `${the} cannot be read by this release.`)];
  if (record.epoch !== epoch) return [];
  const { topics } = record.definition;
  if (!Object.entries(topics).some(([pattern, from]) => from < seq && topicMatches(pattern, topic))) return [];
  const open = record.open.find(([place]) => place === seq);
  if (open !== undefined)
    return [finding("yes", `${the} was given it (delivery ${open[2]}), and has not acknowledged it.`)];
  const dead = record.dead.find(([place]) => place === seq);
  if (dead !== undefined) {
    const [, , deliveries, reason] = dead;
    const text = `${the} has it as a dead letter (${reason}) after delivery ${deliveries}.`;
    return [finding(reason === "denied" ? "no" : "yes", text)];
  }
  if (record.early.some(([place]) => place === seq)) return [finding("yes", `${the} has acknowledged it.`)];
  if (record.through[0] >= seq)
    return [finding("yes", `${the} has come past it: it was acknowledged, or not let through.`)];
  return [
    { ...finding("no", `${the} has come to ${record.through[0]}, and ${whyHeld(record, now)}.`), isPending: true },
  ];
}

function whyHeld({ holder, paused = 0, open, definition }: StoredSubscription, now: number): string {
  if (paused === "resumed") return "is paused until it is resumed";
  if (paused > now) return `is paused until ${timeText(paused)}`;
  if (holder === undefined && definition.deliver !== undefined) return "nobody posts it right now";
  if (holder === undefined) return "no stream holds it: the event waits for the next one";
  if (open.length >= definition.window) return `has ${open.length} events that are not acknowledged, as many as it may`;
  return "will come to it";
}
