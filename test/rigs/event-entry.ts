import type { EventEntry } from "../../services/stream/event.ts";

/** An event as it stands in a log at that sequence, with the sequence as its payload. */
export function eventAt(seq: number): EventEntry {
  return {
    kind: "event",
    position: { seq, tag: "t" },
    topic: "order.created.42",
    type: "order.created",
    payload: Buffer.from(String(seq)),
    storedAt: 0,
    attributes: {},
    frames: undefined,
  };
}

/** An event with this payload, and what its producer said of it in headers. */
export function eventOf(payload: string | Buffer, attributes: Readonly<Record<string, string>> = {}): EventEntry {
  return { ...eventAt(7), position: { seq: 7, tag: "tag" }, payload: Buffer.from(payload), attributes };
}
