import { formatEventId } from "#shared/protocol/event-id.ts";
import { awaitVerdict } from "../access/authorize-event.ts";
import { STILL_VALID } from "../access/grant.ts";
import type { Registration } from "../access/registration.ts";
import { frameFor } from "../audiences/frame-for.ts";
import type { Hold } from "../durable/hold.ts";
import { type EventEntry, firstSeqOf, type LogEntry, type Position } from "../event.ts";
import { gapTo } from "../log/resume.ts";
import { Slices } from "../log/slices.ts";
import { encodeControl, type FrameFormat } from "../frames/encode-frame.ts";
import type { Connection } from "./connection.ts";
import { MAX_STEP_BYTES, MAX_STEP_MS } from "./read-slice.ts";
import { type Behind, type Past, type ReaderDeps, sliceFor, type Wait, waitFor } from "./reader-state.ts";
import type { Tenant } from "./tenant.ts";

/** A reader that events come to again. */
interface RedeliveryReader {
  readonly registration: Registration;
  readonly connection: Pick<Connection, "write" | "room">;
  gotEvents(events: number, now: number): void;
}

/** What the next step waits for. */
interface NextWait {
  readonly for: Wait["for"];
  readonly until: Promise<void>;
}

/** The frames of one step. */
interface Written {
  readonly frames: Buffer[];
  readonly events: Position[];
  bytes: number;
}

/**
 * Writes events of a durable subscription that come again, in the order of the log, for a few milliseconds at most. Each is judged by
 * the rights of now, wherever it stands: what may not be seen any more becomes a dead letter. What is gone from the log is told.
 * Resolves when the reader may take its next step.
 */
export function redeliver(
  tenant: Tenant,
  hold: Hold,
  reader: RedeliveryReader,
  state: Behind,
  { format }: { readonly format: FrameFormat },
  deps: ReaderDeps,
): Promise<void> {
  const past = (state.past ??= { slices: new Slices(tenant.log, deps.limitHistory), gone: undefined });
  const written: Written = { frames: [], events: [], bytes: 0 };
  let room = Number.POSITIVE_INFINITY;
  const began = deps.now();
  let wait: NextWait | undefined;
  for (let next = hold.next; next !== undefined && wait === undefined; next = hold.next) {
    // The smallest room of all counts: an event that goes with few others must not come behind many.
    room = Math.min(room, reader.connection.room ?? Number.POSITIVE_INFINITY);
    if (deps.now() - began > MAX_STEP_MS || written.events.length >= room || written.bytes >= MAX_STEP_BYTES) break;
    wait = redeliverOne(tenant, hold, { registration: reader.registration, format, past, next }, written, deps);
  }
  const bytes = Buffer.concat(written.frames);
  if (bytes.length > 0) reader.connection.write(bytes, written.events);
  if (written.events.length > 0) reader.gotEvents(written.events.length, began);
  tenant.noteWritten(written.events.length, bytes.length);
  if (wait !== undefined) return waitFor(state, began, wait.for, wait.until);
  state.wait = undefined;
  return Promise.resolve();
}

/** The next event, and how it is read. */
interface NextEvent {
  readonly registration: Registration;
  readonly format: FrameFormat;
  readonly past: Past;
  readonly next: Position;
}

function redeliverOne(
  tenant: Tenant,
  hold: Hold,
  { registration, format, past, next }: NextEvent,
  written: Written,
  deps: ReaderDeps,
): NextWait | undefined {
  const grant = registration.grantAt(STILL_VALID, deps.now());
  if (grant === undefined) return { for: "authorization", until: registration.changed.next() };
  const gone = goneAt(past, next);
  const entry = gone === undefined ? entryAt(tenant, past.slices, next.seq) : undefined;
  if (gone === undefined && entry === undefined) {
    return { for: "history", until: fetchAt(hold, registration, past, next) };
  }
  if (entry === undefined || !isEvent(entry, next)) {
    written.frames.push(gapFrame(tenant.log.epoch, hold, next, gone, format));
    deps.observer.noticed("gap");
    return undefined;
  }
  const isAskedFor = hold.asksFor(entry.topic, next.seq);
  const reading = { grant, format, endedBy: registration.grantEndedBy, at: STILL_VALID };
  const frame = isAskedFor ? frameFor(tenant, entry, reading) : "gone";
  if (frame === "undecided") {
    const until = awaitVerdict(tenant.decisions, registration, grant, entry, deps.retries, STILL_VALID);
    return { for: "authorization", until };
  }
  if (typeof frame === "string") hold.give(next.seq, frame);
  else {
    written.frames.push(frame);
    written.events.push(next);
    written.bytes += frame.length;
    hold.redelivered(next.seq);
  }
  return undefined;
}

function isEvent(entry: LogEntry, { seq, tag }: Position): entry is EventEntry {
  return entry.kind === "event" && entry.position.seq === seq && entry.position.tag === tag;
}

function goneAt({ gone }: Past, { seq }: Position): Past["gone"] {
  return gone !== undefined && seq < gone.first ? gone : undefined;
}

/** The gap in place of an event that is gone, or of all that the log has lost with its beginning. None of them comes again. */
function gapFrame(
  epoch: string,
  hold: Hold,
  { seq }: Position,
  gone: Past["gone"],
  format: Pick<FrameFormat, "framing">,
): Buffer {
  const last = gone === undefined ? seq : gone.first - 1;
  for (let next: Position | undefined = hold.next; next !== undefined && next.seq <= last; next = hold.next) {
    hold.give(next.seq, "gone");
  }
  const { notice, position } = gapTo(
    epoch,
    { seq: seq - 1, tag: "0" },
    { seq: last, tag: "0" },
    gone?.goneBy ?? "erased",
  );
  hold.told(notice);
  return encodeControl(format, notice.event, notice.data, { id: formatEventId(epoch, position) });
}

/** The entry at a sequence, or the hole there, from memory; undefined where it must be fetched. */
function entryAt({ log }: Tenant, slices: Slices, seq: number): LogEntry | undefined {
  const inTail = log.tail.at(seq);
  if (inTail !== undefined) return inTail;
  const entry = slices.after(seq - 1)?.entries[0];
  return entry !== undefined && firstSeqOf(entry) <= seq ? entry : undefined;
}

/** Fetches the entry, or finds out that the log has lost it together with its beginning. */
async function fetchAt(hold: Hold, registration: Registration, past: Past, next: Position): Promise<void> {
  const isWanted = (): boolean => hold.next?.seq === next.seq && registration.ended === undefined;
  const passage = await past.slices.fetch(next.seq - 1, sliceFor(registration, isWanted));
  if (passage !== undefined && "gone" in passage) past.gone = passage.gone;
}
