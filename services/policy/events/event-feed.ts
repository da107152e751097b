import type { ErasedEntry } from "#shared/contract/control-entry.ts";

/** An event of a tenant's log, without its payload. */
export interface FedEvent {
  readonly seq: number;
  /** What binds its sequence to it, see the tag of an event's id. */
  readonly tag: string;
  readonly topic: string;
  /** Milliseconds since 1970. */
  readonly storedAt: number;
  /** The size of the payload. */
  readonly bytes: number;
  /** Its CloudEvents attributes by name; undefined where they are too long to be kept. */
  readonly attributes: Readonly<Record<string, string>> | undefined;
}

/** Who hears what is in a log. */
export interface FeedListener {
  onEvent(event: FedEvent): void;
  /** Events before it have been erased. */
  onErased(entry: ErasedEntry): void;
  /** All that was there when the reading began has been heard. */
  onCaughtUp(): void;
}

/** The events of the tenants' logs as they are stored. */
export interface EventFeed {
  /**
   * Reads a log from a sequence on, in order and each entry once, until `stop`; it waits out a bus that is away.
   * @throws {AppError} `tenant_unknown`; `unavailable` when the log does not answer.
   */
  follow(tenant: string, from: number, listener: FeedListener, stop: AbortSignal): Promise<void>;
}
