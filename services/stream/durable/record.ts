import { z } from "zod";
import {
  DELETED_RECORD,
  RECORD_FORMAT,
  storedRecordSchema,
  type DEAD_REASONS,
  type StoredSubscription,
} from "#shared/contract/subscription-record.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import type { Position } from "../event.ts";

/** An event that was delivered and is not acknowledged. */
export interface OpenEvent {
  readonly tag: string;
  /** How many deliveries are used up, with the present one. */
  deliveries: number;
  /** When the time to acknowledge the present delivery ends; milliseconds since 1970. */
  dueAt: number;
}

/** An event that is delivered no more unless its owner says so. */
export interface DeadLetter {
  readonly seq: number;
  readonly tag: string;
  readonly deliveries: number;
  /** `denied`: its owner may not see it any more. */
  readonly reason: (typeof DEAD_REASONS)[number];
}

/** Events behind a position may be missing, or no position of before means anything. */
export type Loss = NonNullable<StoredSubscription["owed"]>;

/** The connection that a subscription is delivered to. */
export interface Holder {
  readonly connectionId: string;
  /** The stable id of its tab or device, where it named one. */
  readonly client: string | undefined;
}

/** In place of a holder that was not found: no connection has such an id, and whoever attaches takes over as from one that is gone. */
export const NOBODY: Holder = { connectionId: "nobody", client: undefined };

/** Where a subscription is delivered to instead of a stream. It holds no secret. */
export interface Callback {
  readonly url: string;
  /** Names the secret that messages are signed with; only the process that posts them has it. */
  readonly secretRef: string;
  /** What the token was limited to by which it was asked for; undefined where that was nothing. */
  readonly scope?: string | undefined;
}

/** Why messages do not reach a callback. */
export interface CallbackFailure {
  /** When the last one failed; milliseconds since 1970. */
  readonly at: number;
  readonly reason: string;
}

/** What a subscription's owner asked for. */
export interface Definition {
  /** The topic patterns, each with the sequence behind which its events count. */
  readonly topics: Readonly<Record<string, number>>;
  /** How many events may be open at a time. */
  readonly window: number;
  readonly ackWaitMs: number;
  /** The times to acknowledge the first, second, … delivery instead; the last one counts for all that follow. */
  readonly backoffMs: readonly number[];
  /** After so many deliveries an event becomes a dead letter. */
  readonly maxDeliver: number;
  /** The subscription is deleted after so long without a holder. */
  readonly ttlSeconds: number;
  readonly deliver?: Callback | undefined;
}

/** All that is known of a durable subscription. It is changed in place; whoever changes it has a copy of its own. */
export interface SubscriptionRecord {
  definition: Definition;
  /** Rises with each change of what the owner asked for. */
  revision: number;
  /** Nothing is delivered until this time (milliseconds since 1970), or until it is resumed; undefined while it is not paused. */
  pausedUntil: number | "resumed" | undefined;
  /** The log that the sequences are of. */
  epoch: string;
  /** Everything up to it was looked at. */
  through: Position;
  /** By sequence, in the order of the log; never more than the window. */
  open: Map<number, OpenEvent>;
  dead: DeadLetter[];
  /** Events behind `through` that were acknowledged: a holder that is gone had delivered them, and not noted it. By sequence. */
  early: Map<number, string>;
  /** Up to here, a holder that is gone may have delivered events behind `through`. */
  reach: number;
  /** What its client was told is lost, or is to be told, and is not known to know. */
  owed: Loss | undefined;
  holder: Holder | undefined;
  /** Undefined while the callback takes what it is sent, or there is none. */
  failure: CallbackFailure | undefined;
  /** How often its holder has stored it: so it knows its own write again, of which it had no answer. */
  puts: number;
  createdAt: number;
  /** When it last had a holder, or was made. */
  seenAt: number;
}

/** The record of a subscription that begins at a position of a log, at a time in milliseconds since 1970. */
export function createRecord(
  definition: Definition,
  { epoch, position }: { readonly epoch: string; readonly position: Position },
  now: number,
): SubscriptionRecord {
  return {
    definition,
    revision: 1,
    pausedUntil: undefined,
    epoch,
    through: position,
    open: new Map(),
    dead: [],
    early: new Map(),
    reach: 0,
    owed: undefined,
    holder: undefined,
    failure: undefined,
    puts: 0,
    createdAt: now,
    seenAt: now,
  };
}

/** What a connection is made for; another one is made where it changes. */
export function wishOf({ definition: { topics, deliver } }: SubscriptionRecord): string {
  return JSON.stringify([Object.keys(topics).toSorted(), deliver]);
}

const formatSchema = z.object({ v: z.int().min(1) });

/** A stored value: a record, the trace of a deleted one, or what cannot be read and must not be overwritten. */
export type StoredValue =
  | { readonly is: "record"; readonly record: SubscriptionRecord }
  | { readonly is: "deleted" | "newer" | "corrupted" };

/** Reads a stored value. */
export function parseRecord(text: string): StoredValue {
  if (text === DELETED_RECORD) return { is: "deleted" };
  const json = parseJson(text);
  const { data: format } = formatSchema.safeParse(json);
  if (format !== undefined && format.v > RECORD_FORMAT.owed) return { is: "newer" };
  const { data } = storedRecordSchema.safeParse(json);
  if (data === undefined) return { is: "corrupted" };
  const { v: _, paused, through, open, dead, early, owed, holder, failure, ...plain } = data;
  return {
    is: "record",
    record: {
      ...plain,
      pausedUntil: paused,
      through: { seq: through[0], tag: through[1] },
      open: new Map(open.map(([seq, tag, deliveries, dueAt]) => [seq, { tag, deliveries, dueAt }])),
      dead: dead.map(([seq, tag, deliveries, reason]) => ({ seq, tag, deliveries, reason })),
      early: new Map(early),
      owed,
      holder: holder && { connectionId: holder.connectionId, client: holder.client },
      failure,
    },
  };
}

/** The stored form of a record: some 30 bytes for each open event. */
export function encodeRecord({ pausedUntil, through, open, dead, early, ...plain }: SubscriptionRecord): string {
  return JSON.stringify({
    v: formatOf(plain),
    ...plain,
    paused: pausedUntil,
    through: [through.seq, through.tag],
    open: Array.from(open, ([seq, { tag, deliveries, dueAt }]) => [seq, tag, deliveries, dueAt]),
    dead: dead.map(({ seq, tag, deliveries, reason }) => [seq, tag, deliveries, reason]),
    early: [...early],
  });
}

function formatOf({ definition, owed }: Pick<SubscriptionRecord, "definition" | "owed">): number {
  if (owed !== undefined) return RECORD_FORMAT.owed;
  return definition.deliver === undefined ? RECORD_FORMAT.plain : RECORD_FORMAT.callback;
}
