import type { Transport } from "#shared/protocol/transports.ts";
import type { Census } from "../observe/observer.ts";
import type { Reader } from "./reader.ts";

/** A stream, as far as it is counted. */
interface CountedStream {
  readonly tenant: { readonly log: { readonly horizon: { readonly seq: number } } };
  readonly reader: Pick<Reader, "behindSince" | "wait" | "cursor" | "record">;
}

/** Counts open streams: how many are live, what the others wait for, and how far the last of them is behind. */
export class StreamCensus implements Census {
  live = 0;
  readonly byTransport: Partial<Record<Transport, number>> = {};
  readonly behind: Record<string, number> = {};
  lagEntries = 0;
  lagMs = 0;

  count({ tenant, reader }: CountedStream, now: number): void {
    const { behindSince, wait, record } = reader;
    const transport = record.origin?.transport;
    if (transport !== undefined) this.byTransport[transport] = (this.byTransport[transport] ?? 0) + 1;
    if (behindSince === undefined) {
      this.live += 1;
      return;
    }
    const what = wait?.for ?? "turn";
    this.behind[what] = (this.behind[what] ?? 0) + 1;
    this.lagEntries = Math.max(this.lagEntries, tenant.log.horizon.seq - reader.cursor.seq);
    this.lagMs = Math.max(this.lagMs, now - behindSince);
  }
}
