import type { ErasedEntry } from "#shared/contract/control-entry.ts";
import { formatEventId } from "#shared/protocol/event-id.ts";
import { eventTypeOf, topicMatches } from "#shared/protocol/topics.ts";
import type { FedEvent } from "../events/event-feed.ts";
import type { AskedEvent } from "./ask-reach.ts";
import type { EventReach, TailEvent } from "#shared/contract/tail-frame.ts";
import { type TailEnd, type TailViewer, Watching } from "./viewer.ts";

/** How many of the last events a tail holds. */
export const MAX_HELD = 500;

/** An event is asked about this long after it was stored: by then the edges have written it. */
const ASK_AFTER_MS = 700;

/** The edges are asked again where a stream was behind, or not all of them answered. */
const ASK_AGAIN_MS = 3_000;
const MAX_ASKED = 3;

/** An event that a tail holds, and what is known of whom it reached. */
interface HeldEvent extends AskedEvent {
  readonly event: TailEvent;
  readonly attributes: FedEvent["attributes"];
  reach: EventReach | undefined;
  /** When its reach is asked for; undefined where it is not, or no more. */
  askAt: number | undefined;
  asked: number;
}

/** The last events of a tenant's log, for all who look at it. */
export class TenantTail {
  readonly tenant: string;
  readonly epoch: string;
  readonly #held = new Map<number, HeldEvent>();
  readonly #watching = new Set<Watching>();
  /** It holds all events from this sequence on. */
  #first: number;
  #last: number;

  /** A tail that begins at `first`, of a log that ended at `last` then. */
  constructor(tenant: string, epoch: string, { first, last }: { readonly first: number; readonly last: number }) {
    this.tenant = tenant;
    this.epoch = epoch;
    this.#first = first;
    this.#last = last;
  }

  /** The sequence behind which the next event comes. */
  get last(): number {
    return this.#last;
  }

  /** Whether no event behind the sequence is missing here. */
  reachesBackTo(seq: number): boolean {
    return seq >= this.#first - 1;
  }

  get viewers(): number {
    return this.#watching.size;
  }

  /** Takes in an event and shows it. `now` is in milliseconds since 1970. */
  add(fed: FedEvent, now: number): void {
    const event = tailEventOf(fed, this.epoch);
    const { seq, storedAt, attributes } = fed;
    const held: HeldEvent = {
      id: event.id,
      seq,
      storedAt,
      event,
      attributes,
      reach: undefined,
      askAt: undefined,
      asked: 0,
    };
    this.#held.set(seq, held);
    this.#last = Math.max(this.#last, seq);
    const [oldest] = this.#held.keys();
    if (this.#held.size > MAX_HELD && oldest !== undefined) {
      this.#held.delete(oldest);
      this.#first = oldest + 1;
    }
    for (const watching of this.#watching) {
      if (watching.wants(held) && watching.show(event)) held.askAt = now + ASK_AFTER_MS;
    }
  }

  /** Shows a viewer the last of what is held behind a sequence, `most` of it, and all that comes from now on. */
  watch(viewer: TailViewer, after: number, most: number): Disposable {
    const watching = new Watching(viewer, after);
    const wanted = [...this.#held.values()].filter((held) => watching.wants(held));
    for (const held of wanted.slice(Math.max(0, wanted.length - most))) {
      viewer.show({ event: "event", data: held.event });
      if (held.reach === undefined) held.askAt ??= 0;
      else viewer.show({ event: "reach", data: held.reach });
    }
    // What was judged of the past is not counted with what comes now.
    watching.beginRound();
    this.#watching.add(watching);
    return { [Symbol.dispose]: () => void this.#watching.delete(watching) };
  }

  /** Begins a round, and answers which events are to be asked about in it. */
  beginRound(now: number): readonly AskedEvent[] {
    for (const watching of this.#watching) watching.beginRound();
    const due = [...this.#held.values()].filter(({ askAt }) => askAt !== undefined && askAt <= now);
    for (const held of due) held.askAt = undefined;
    return due;
  }

  /** Shows whom events reached. Those about which not all is known are asked about again. */
  sendReach(reaches: readonly EventReach[], now: number): void {
    const byId = new Map([...this.#held.values()].map((held) => [held.id, held]));
    for (const reach of reaches) {
      const held = byId.get(reach.id);
      if (held === undefined) continue;
      held.reach = reach;
      held.asked += 1;
      // An edge that has not read the event yet does not know of it, as one that has nobody of the tenant.
      const isOpen = reach.partial || reach.behind > 0 || reach.reason === "nobody_connected";
      if (isOpen && held.asked < MAX_ASKED) held.askAt = now + ASK_AGAIN_MS;
      for (const watching of this.#watching) {
        if (watching.wants(held)) watching.viewer.show({ event: "reach", data: reach });
      }
    }
  }

  /** Forgets what was erased, and has the viewers forget it. */
  erase(entry: ErasedEntry): void {
    const ids = new Set("ids" in entry ? entry.ids : []);
    for (const { seq, id, event } of this.#held.values()) {
      const isNamed = "ids" in entry ? ids.has(id) : topicMatches(entry.subject, event.topic);
      if (isNamed && seq <= entry.through) this.#held.delete(seq);
    }
    for (const { viewer } of this.#watching) viewer.show({ event: "erased", data: entry });
  }

  /** Ends all viewers. */
  end(why: TailEnd): void {
    for (const { viewer } of this.#watching) viewer.end(why);
  }
}

function tailEventOf({ seq, tag, topic, storedAt, bytes }: FedEvent, epoch: string): TailEvent {
  const type = eventTypeOf(topic);
  const id = formatEventId(epoch, { seq, tag });
  return { id, at: new Date(storedAt).toISOString(), topic, type, key: topic.slice(type.length + 1), bytes };
}
