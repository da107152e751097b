import { topicMatches } from "#shared/protocol/topics.ts";
import type { Workers } from "./workers.ts";
import type { Cause, Client, Erasure, PublishedEvent } from "./collect.ts";

/** An event that the log has. */
export type AcknowledgedEvent = PublishedEvent & { readonly sequence: number; readonly acknowledgedAt: number };

/** What all clients of a run have in common. */
export interface Run {
  readonly events: ReadonlyMap<string, PublishedEvent>;
  readonly bySequence: readonly AcknowledgedEvent[];
  readonly causes: readonly Cause[];
  readonly erasures: readonly Erasure[];
  readonly workers: Workers;
  /** Which tenant's log an epoch names, by the ids that were seen. */
  readonly tenantOfEpoch: Map<string, string>;
  /** The events under some topics, by these: thousands of clients have the same. */
  readonly byTopics: Map<string, readonly AcknowledgedEvent[]>;
}

/** An id's epoch and sequence, not checked further. */
export interface Place {
  readonly epoch: string;
  readonly sequence: number;
}

/** Whether the client had the right to the event all the time from its publication until `until`. */
export function isLasting(client: Client, event: PublishedEvent, until: number): boolean {
  return rightsFor(client, event, until).every((topics) => allows(topics, event));
}

/**
 * The rights that the client may have had at some time from the event's publication until `until`: an event is decided when
 * it is delivered, by its reader's rights then.
 */
export function rightsFor({ rights }: Client, event: PublishedEvent, until: number): readonly (readonly string[])[] {
  const possible = rights.filter(({ askedAt }, index) => {
    const next = rights[index + 1];
    return askedAt <= until && (next === undefined || next.acknowledgedAt >= event.publishedAt);
  });
  return possible.map(({ topics }) => topics);
}

/** Whether one of the topics takes in the event. */
export function allows(topics: readonly string[], { topic }: PublishedEvent): boolean {
  return topics.some((pattern) => topicMatches(pattern, topic));
}

/** The place that an id names. */
export function placeOf(id: string | undefined): Place | undefined {
  const [, epoch, sequence] = /^([^.]+)\.(\d+)\.[^.]+$/.exec(id ?? "") ?? [];
  return epoch === undefined ? undefined : { epoch, sequence: Number(sequence) };
}

/** The index of the first event with a sequence above `sequence`. */
export function firstAbove(events: readonly AcknowledgedEvent[], sequence: number): number {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((events[middle]?.sequence ?? 0) > sequence) high = middle;
    else low = middle + 1;
  }
  return low;
}
