import { hash } from "node:crypto";
import { parseEventId } from "#shared/protocol/event-id.ts";
import type { Position } from "../event.ts";
import type { SubscriptionKey } from "../durable/subscription-store.ts";
import type { Notice } from "../log/resume.ts";

const LF = 10;

/** What lines of our own begin with; those of CloudEvents begin with another name. */
const OWN = Buffer.from('{"event":');

/** What a receiver must know beside the events. Whatever else is told is for a client with an open stream. */
const NOTICES = new Set(["gap", "reset"]);

/** A gap or a reset with its id, as its frame has it. */
export type ReceivedNotice = Notice & { readonly id: string };

/** What frames hold for a receiver. */
export interface ReadFrames {
  /** Each is a JSON text. */
  readonly events: readonly Buffer[];
  readonly notices: readonly ReceivedNotice[];
}

/** Reads frames of JSON lines. */
export function readFrames(frames: Buffer): ReadFrames {
  const [own, events] = [[], []] as [Buffer[], Buffer[]];
  for (const line of linesOf(frames)) {
    if (line.subarray(0, OWN.length).equals(OWN)) own.push(line);
    else if (line.length > 0) events.push(line);
  }
  return { events, notices: own.flatMap(noticeIn) };
}

/** The notices as `most` at most: the first of them are one that covers them. */
export function bounded(notices: readonly ReceivedNotice[], most: number): readonly ReceivedNotice[] {
  if (notices.length <= most) return notices;
  const rest = notices.length - most + 1;
  return [notices.slice(0, rest).reduce(coverBoth), ...notices.slice(rest)];
}

/** A notice as a CloudEvent of ours. */
export function encodeNotice({ event, id, data }: ReceivedNotice, tenant: string): Buffer {
  const attributes = {
    specversion: "1.0",
    id: `${event}.${id}`,
    source: `/tenants/${tenant}`,
    type: `sluice.${event}`,
    datacontenttype: "application/json",
    sluiceid: id,
  };
  return Buffer.from(JSON.stringify({ ...attributes, data }));
}

/** The body of a batch in the JSON format of CloudEvents 1.0, section 4. */
export function encodeBatch(events: readonly Buffer[]): Buffer {
  const parts = events.flatMap((event, place) => [Buffer.from(place === 0 ? "[" : ","), event]);
  return Buffer.concat([...parts, Buffer.from("]")]);
}

/**
 * The id of a message: the same events and notices of a subscription together have the same, however often they are sent. A receiver
 * passes over a message whose id it has had: events that come again with a notice must not have the id that they had without it.
 */
export function messageIdOf(
  { tenant, subject, name }: SubscriptionKey,
  positions: readonly Position[],
  notices: readonly ReceivedNotice[] = [],
): string {
  const told = notices.map(({ event, id, data }) => `${event}.${id} ${"from" in data ? data.from : data.reason}`);
  const places = [...told, ...positions.map(({ seq, tag }) => `${seq}.${tag}`)];
  return `msg_${hash("sha256", JSON.stringify([tenant, subject, name, places]), "base64url").slice(0, 27)}`;
}

function* linesOf(frames: Buffer): Generator<Buffer> {
  for (let begin = 0; begin < frames.length;) {
    const end = frames.indexOf(LF, begin);
    yield frames.subarray(begin, end);
    begin = end + 1;
  }
}

function noticeIn(line: Buffer): ReceivedNotice[] {
  const own = JSON.parse(line.toString()) as ReceivedNotice;
  return NOTICES.has(own.event) ? [own] : [];
}

function coverBoth(first: ReceivedNotice, second: ReceivedNotice): ReceivedNotice {
  if (second.event === "reset") return second;
  if (first.event === "reset") return first;
  const { id, data } = seqOf(first.data.to) > seqOf(second.data.to) ? first : second;
  const from = seqOf(first.data.from) < seqOf(second.data.from) ? first.data.from : second.data.from;
  return { event: "gap", id, data: { ...data, from } };
}

function seqOf(id: string): number {
  return parseEventId(id)?.position.seq ?? 0;
}
