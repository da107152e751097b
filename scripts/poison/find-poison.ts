import type { JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { decodeEntry } from "../../services/stream/bus/decode-entry.ts";
import type { PoisonEntry } from "../../services/stream/event.ts";
import { readStored } from "../events/read-stored.ts";

/** What to look through. */
export interface PoisonSearch {
  readonly tenant: string;
  /** Sequences, both included. */
  readonly from: number;
  readonly to: number;
  readonly maxEventBytes: number;
  /** Called every 100 000 entries or so, with the last sequence that was read. */
  readonly progress: (seq: number) => void;
}

/** An entry that no edge shows to anybody, and why. */
export interface FoundPoison {
  readonly seq: number;
  readonly storedAt: string;
  readonly subject: string;
  readonly bytes: number;
  readonly reason: PoisonEntry["reason"];
}

const PROGRESS_EVERY = 100_000;

/** Reads a tenant's log as an edge reads it, and gives what an edge passes. */
export async function* findPoison(
  nats: NatsConnection,
  jsm: JetStreamManager,
  { tenant, from, to, maxEventBytes, progress }: PoisonSearch,
): AsyncGenerator<FoundPoison> {
  let reported = from;
  for await (const message of readStored(nats, jsm, tenant, { seq: from }, to)) {
    const { seq, subject, data, storedAtNanos } = message;
    const entry = decodeEntry(tenant, maxEventBytes, message);
    const storedAt = new Date(Number(storedAtNanos / 1_000_000n)).toISOString();
    if (entry.kind === "poison") yield { seq, storedAt, subject, bytes: data.length, reason: entry.reason };
    if (seq - reported < PROGRESS_EVERY) continue;
    reported = seq;
    progress(seq);
  }
}

/** A found entry as one line. */
export function describePoison({ seq, storedAt, subject, bytes, reason }: FoundPoison): string {
  return [seq, storedAt, reason.padEnd(11), `${bytes} bytes`, printable(Buffer.from(subject))].join("  ");
}

/** Bytes as text in which nothing can move a terminal's cursor: what is not printable ASCII stands as `\xHH`. */
export function printable(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) =>
    byte >= 0x20 && byte < 0x7f && byte !== 0x5c
      ? String.fromCharCode(byte)
      : `\\x${byte.toString(16).padStart(2, "0")}`,
  ).join("");
}
