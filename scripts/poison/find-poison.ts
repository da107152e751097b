import type { JetStreamManager } from "@nats-io/jetstream";
import { nanosOf } from "#shared/contract/event-tag.ts";
import { logStreamName } from "#shared/contract/tenant-log.ts";
import { decodeEntry } from "../../services/stream/bus/decode-entry.ts";
import type { PoisonEntry } from "../../services/stream/event.ts";

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

const BATCH = { entries: 1_000, bytes: 4 * 1024 * 1024 };
const PROGRESS_EVERY = 100_000;

/** Reads a tenant's log as an edge reads it, and gives what an edge passes. */
export async function* findPoison(
  manager: JetStreamManager,
  { tenant, from, to, maxEventBytes, progress }: PoisonSearch,
): AsyncGenerator<FoundPoison> {
  let [next, reported] = [from, from];
  while (next <= to) {
    const before = next;
    const range = { seq: next, batch: BATCH.entries, max_bytes: BATCH.bytes };
    for await (const { subject, seq, data, timestamp, header: headers } of await manager.direct.getBatch(
      logStreamName(tenant),
      range,
    )) {
      next = seq + 1;
      if (seq > to) return;
      const entry = decodeEntry(tenant, maxEventBytes, {
        subject,
        seq,
        data,
        storedAtNanos: nanosOf(timestamp),
        headers,
      });
      if (entry.kind === "poison")
        yield { seq, storedAt: timestamp, subject, bytes: data.length, reason: entry.reason };
    }
    if (next === before) return;
    if (next - reported < PROGRESS_EVERY) continue;
    reported = next;
    progress(next - 1);
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
