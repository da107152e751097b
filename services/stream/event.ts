import type { ErasedEntry, PolicyEntry, SessionEntry, TenantEntry } from "#shared/contract/control-entry.ts";
import type { Position } from "#shared/protocol/event-id.ts";

export type { Position };

/** An event of the log, checked. */
export interface EventEntry {
  readonly kind: "event";
  readonly position: Position;
  /** `order.created.42` */
  readonly topic: string;
  /** `order.created` */
  readonly type: string;
  /** UTF-8 text. */
  readonly payload: Buffer;
  /** When the log stored it, in milliseconds since 1970. */
  readonly storedAt: number;
  /** `Nats-Msg-Id` and the `ce-*` headers, lower-case. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Its frames by format, each encoded once for all readers. Undefined at first: most events have no reader here. */
  frames: Map<string, Buffer> | undefined;
  /** Whether its data is JSON; absent until somebody has asked. */
  isJson?: boolean;
  /** Called with each frame that is made: it is charged to the memory that holds the entry. Undefined while none does. */
  onFrame?: ((frame: Buffer) => void) | undefined;
}

/** An entry that changes rights, from its place in the log on. */
export interface ControlEntry {
  readonly kind: "control";
  readonly position: Position;
  /** When the log stored it, in milliseconds since 1970. */
  readonly storedAt: number;
  readonly change:
    | { readonly of: "policy"; readonly entry: PolicyEntry }
    | { readonly of: "session"; readonly entry: SessionEntry }
    | { readonly of: "tenant"; readonly entry: TenantEntry }
    | { readonly of: "erased"; readonly entry: ErasedEntry }
    | { readonly of: "unknown" };
}

/** Why an entry cannot be shown to anyone; `failed`: to decide about it or to encode it. */
export const POISON_REASONS = ["not_a_topic", "not_utf8", "too_large", "failed"] as const;

/** An entry that cannot be shown to anyone: it is passed and counted. */
export interface PoisonEntry {
  readonly kind: "poison";
  readonly position: Position;
  readonly reason: Exclude<(typeof POISON_REASONS)[number], "failed">;
  /** The size of its payload: reading it cost that much. */
  readonly bytes: number;
}

/** Entries that are gone for good from the middle of the log, or must not be served any more. */
export interface HoleEntry {
  readonly kind: "hole";
  /** The first sequence that is gone. */
  readonly first: number;
  /** The last sequence that is gone. Its tag is `0`: there is no message. */
  readonly position: Position;
}

/** The report of a quarantined entry. */
export interface Poison {
  readonly tenant: string;
  readonly seq: number;
  readonly reason: (typeof POISON_REASONS)[number];
  /** The error of deciding or encoding it. */
  readonly error?: unknown;
}

export type LogEntry = EventEntry | ControlEntry | PoisonEntry | HoleEntry;

/** The hole from `first` to `last`, both included. */
export function holeOf(first: number, last: number): HoleEntry {
  return { kind: "hole", first, position: { seq: last, tag: "0" } };
}

/** The first sequence that an entry covers: a hole covers many, every other entry one. */
export function firstSeqOf(entry: LogEntry): number {
  return entry.kind === "hole" ? entry.first : entry.position.seq;
}

/** Why the right to a stream is over. */
export const END_REASONS = ["expired", "revoked", "forbidden"] as const;

export type EndReason = (typeof END_REASONS)[number];

/** What a stream's last frame says; the answer to a poll may end with the stream's position. */
export interface LastWord {
  readonly event: "auth_error" | "bye" | "cursor";
  readonly reason: string;
}
