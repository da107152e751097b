import type { CallContext } from "#shared/async/call-context.ts";
import type { PublishedEvent } from "../events/published-event.ts";
import type { Publisher } from "./present-publisher.ts";

/** What policy says of a request's events. */
export interface PublishingAnswer {
  /** Whether the publisher may publish each of the events. */
  readonly allowed: readonly boolean[];
  /** Events in a second that the tenant's tier allows; undefined where it says nothing. */
  readonly eventsPerSecond: number | undefined;
}

/**
 * Asks policy whether somebody may publish these events, by what its store holds right now. Safe to repeat.
 * @throws {AppError} `tenant_unknown`, `tenant_suspended`, or `unavailable` when there is no answer in time.
 */
export type AskPublishingRights = (
  publisher: Publisher,
  events: readonly PublishedEvent[],
  context: CallContext,
) => Promise<PublishingAnswer>;
