import { setImmediate as nextTurn } from "node:timers/promises";
import type { EdgeQuestion } from "#shared/contract/edge-questions.ts";
import type { Hub, Stream } from "../hub.ts";

/** To look at a stream takes half a microsecond: so many are a turn of half a millisecond. */
const STREAMS_PER_TURN = 1_000;

/** Which streams are asked for. */
export type StreamsAsked = Extract<EdgeQuestion, { ask: "connections" }>;

/** The streams that were found, in the order of their ids. */
export interface FoundStreams {
  readonly streams: readonly Stream[];
  /** More of them are behind the last one. */
  readonly hasMore: boolean;
}

/**
 * Finds the next streams behind an id, in turns. However many there are, no more than twice as many as were asked for are sorted at a
 * time: to sort all twenty thousand would hold up everybody for 15 ms.
 */
export async function findStreams(hub: Pick<Hub, "streams">, asked: StreamsAsked): Promise<FoundStreams> {
  // One more, to know whether there are more.
  const next = new SmallestIds(asked.limit + 1);
  let looked = 0;
  for (const stream of hub.streams()) {
    looked += 1;
    if (looked % STREAMS_PER_TURN === 0) await nextTurn();
    if (isAsked(stream, asked)) next.add(stream);
  }
  const found = next.take();
  return { streams: found.slice(0, asked.limit), hasMore: found.length > asked.limit };
}

function isAsked({ tenant, reader }: Stream, { tenant: wanted, subject, connectionId, after }: StreamsAsked): boolean {
  const { ids, registration } = reader;
  if (reader.ended || ids.connectionId <= after) return false;
  if (wanted !== undefined && tenant.id !== wanted) return false;
  if (subject !== undefined && registration.identity.subject.id !== subject) return false;
  return connectionId === undefined || ids.connectionId === connectionId;
}

/** Keeps the streams with the smallest ids of all that are added. */
class SmallestIds {
  readonly #most: number;
  #kept: Stream[] = [];
  /** A stream with this id or a greater one is not kept. */
  #below: string | undefined;

  constructor(most: number) {
    this.#most = most;
  }

  add(stream: Stream): void {
    if (this.#below !== undefined && idOf(stream) >= this.#below) return;
    this.#kept.push(stream);
    if (this.#kept.length < 2 * this.#most) return;
    this.#kept = this.take();
    this.#below = idOf(this.#kept.at(-1));
  }

  /** The kept ones in the order of their ids. */
  take(): Stream[] {
    return this.#kept.toSorted((one, other) => (idOf(one) < idOf(other) ? -1 : 1)).slice(0, this.#most);
  }
}

function idOf(stream: Stream | undefined): string {
  return stream?.reader.ids.connectionId ?? "";
}
