import { hash } from "node:crypto";
import type { Position } from "../event.ts";
import type { SubscriptionKey } from "../durable/subscription-store.ts";

const LF = 10;

/** What lines of our own begin with; those of CloudEvents begin with another name. */
const OWN = Buffer.from('{"event":');

/** What a receiver must know beside the events. Whatever else is told is for a client with an open stream. */
const NOTICES = new Set(["gap", "reset"]);

/** What frames hold for a receiver; each is a JSON text. */
export interface ReadFrames {
  readonly events: readonly Buffer[];
  /** Gaps and resets, as CloudEvents of ours. */
  readonly notices: readonly Buffer[];
}

/** Reads frames of JSON lines. */
export function readFrames(frames: Buffer, tenant: string): ReadFrames {
  const [own, events] = [[], []] as [Buffer[], Buffer[]];
  for (const line of linesOf(frames)) {
    if (line.subarray(0, OWN.length).equals(OWN)) own.push(line);
    else if (line.length > 0) events.push(line);
  }
  return { events, notices: own.flatMap((line) => noticeOf(line, tenant) ?? []) };
}

/** The body of a batch in the JSON format of CloudEvents 1.0, section 4. */
export function encodeBatch(events: readonly Buffer[]): Buffer {
  const parts = events.flatMap((event, place) => [Buffer.from(place === 0 ? "[" : ","), event]);
  return Buffer.concat([...parts, Buffer.from("]")]);
}

/** The id of a message: the same events of a subscription together have the same, however often they are sent. */
export function messageIdOf({ tenant, subject, name }: SubscriptionKey, positions: readonly Position[]): string {
  const places = positions.map(({ seq, tag }) => `${seq}.${tag}`);
  return `msg_${hash("sha256", JSON.stringify([tenant, subject, name, places]), "base64url").slice(0, 27)}`;
}

function* linesOf(frames: Buffer): Generator<Buffer> {
  for (let begin = 0; begin < frames.length;) {
    const end = frames.indexOf(LF, begin);
    yield frames.subarray(begin, end);
    begin = end + 1;
  }
}

function noticeOf(line: Buffer, tenant: string): Buffer | undefined {
  const { event, id, data } = JSON.parse(line.toString()) as { event: string; id?: string; data?: unknown };
  if (!NOTICES.has(event)) return undefined;
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
