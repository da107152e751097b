import { compositeKey } from "#shared/protocol/composite-key.ts";
import type { RetryDelays } from "../sse/retry-delay.ts";
import type { Client } from "../subscription/topic-store.ts";
import { bye } from "./end-stream.ts";
import type { Stream } from "./hub.ts";

/** A stream has claimed a client's record or changed what is kept in it; without a generation the record was forgotten. */
export interface TopicsAnnouncement {
  readonly client: Client;
  readonly generation: number | undefined;
}

/** Tells every edge; one that is not reached learns it when its stream changes its topics. Returns at once. */
export type AnnounceTopics = (announcement: TopicsAnnouncement) => void;

/** The streams of this edge whose topics are kept, by their clients: the newest of each. */
export class ClientStreams implements Iterable<Stream> {
  readonly #streams = new Map<string, Stream>();
  readonly #retryDelays: Pick<RetryDelays, "forReplaced">;

  constructor(retryDelays: Pick<RetryDelays, "forReplaced">) {
    this.#retryDelays = retryDelays;
  }

  [Symbol.iterator](): Iterator<Stream> {
    return this.#streams.values();
  }

  /** The client's stream here; undefined where there is none. */
  find(client: Client): Stream | undefined {
    return this.#streams.get(keyOf(client));
  }

  /** Adds a stream that has begun, and ends the client's other one here, whichever has claimed the record earlier. */
  attach(stream: Stream): void {
    const claim = stream.reader.changes?.claim;
    if (claim === undefined) return;
    const other = this.find(claim.client);
    if (other !== undefined && generationOf(other) > claim.generation) return this.#replace(stream);
    this.#streams.set(keyOf(claim.client), stream);
    if (other !== undefined) this.#replace(other);
  }

  /** Removes a stream that is over. */
  detach(stream: Stream): void {
    const claim = stream.reader.changes?.claim;
    if (claim !== undefined && this.find(claim.client) === stream) this.#streams.delete(keyOf(claim.client));
  }

  /** Ends the client's stream here where a later one has claimed the record. */
  yieldTo(client: Client, generation: number): void {
    const stream = this.find(client);
    if (stream !== undefined && generationOf(stream) < generation) this.#replace(stream);
  }

  #replace({ reader }: Stream): void {
    reader.end(bye("replaced", this.#retryDelays.forReplaced()));
  }
}

function generationOf({ reader }: Stream): number {
  return reader.changes?.claim?.generation ?? 0;
}

function keyOf({ tenant, subject, client }: Client): string {
  return compositeKey(tenant, subject, client);
}
