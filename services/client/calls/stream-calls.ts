/** The topics of a stream after a change, and whether any event under each may be shown. */
export interface TopicChange {
  readonly topics: readonly { readonly topic: string; readonly granted: boolean }[];
  /** Of an added topic everything behind this id comes, and nothing before it. */
  readonly effectiveFrom: string;
}

/** Deliveries of a durable subscription: some, or all up to one. */
export type Deliveries = readonly string[] | { readonly upTo: string };

/** An event to publish: `order.created` under `order.created.<key>`. */
export interface NewEvent {
  readonly type: string;
  readonly key?: string | readonly string[];
  readonly data: unknown;
  /** Events of one id are stored once within two minutes; made where there is none. */
  readonly id?: string;
  readonly attributes?: Readonly<Record<string, string | number | boolean>>;
}

/** The ids of events that are stored, and those among them that were stored before. */
export interface Published {
  readonly ids: readonly string[];
  readonly duplicates: readonly string[];
}

/** Who listens to a topic. */
export interface Presence {
  readonly topic: string;
  readonly people: readonly { readonly subject: string; readonly since: string; readonly devices: number }[];
  /** Ask for the others with it. */
  readonly next?: string;
  /** Somebody may be missing. */
  readonly partial: boolean;
}

/** Calls about a stream, and about what it is of. Each fails with a `ProblemError`. */
export interface StreamCalls {
  /** Adds topics; answers once they are in force. */
  subscribe(topics: readonly string[]): Promise<TopicChange>;
  /** Removes topics; answers once nothing of them comes any more. */
  unsubscribe(topics: readonly string[]): Promise<TopicChange>;
  /** Says that events of the durable subscription are handled: they do not come again. */
  acknowledge(deliveries: Deliveries): Promise<void>;
  /** Has events of the durable subscription come again after so long. */
  nack(ids: readonly string[], delayMs?: number): Promise<void>;
  /** Publishes an event, or several as a whole; answers once they are stored. */
  publish(event: NewEvent | readonly NewEvent[]): Promise<Published>;
  /** Says who listens to a topic, by pages. */
  presence(topic: string, page?: { readonly cursor?: string; readonly limit?: number }): Promise<Presence>;
}
