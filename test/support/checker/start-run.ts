import type { Bus } from "#test/support/start-stack.ts";
import type { Ledger } from "./ledger.ts";
import { createProducer, type Producer } from "./producer.ts";
import { type LedgerReader, type ReaderOptions, startReader } from "./reader.ts";

/** Producers and readers of one tenant, and the ledger they write. */
export interface Run extends AsyncDisposable {
  readonly ledger: Ledger;
  readonly producer: Producer;
  readonly readers: readonly LedgerReader[];
  /** Adds a reader, once its stream is ready. */
  join(client: string, options?: Partial<ReaderOptions>): Promise<LedgerReader>;
  /** Waits until every reader has the event. */
  reach(text: string): Promise<void>;
  /** Publishes a last event, waits until every reader has it, and notes that everything before it was due. */
  end(timeoutMs?: number): Promise<void>;
}

/** Starts a run with so many readers of `push` events. */
export async function startRun(bus: Bus, count: number, reading: Omit<ReaderOptions, "client">): Promise<Run> {
  const ledger: Ledger = [];
  const producer = createProducer(bus, reading.tenant, ledger);
  const readers: LedgerReader[] = [];
  const join: Run["join"] = async (client, options = {}) => {
    const reader = await startReader(ledger, { ...reading, ...options, client });
    readers.push(reader);
    return reader;
  };
  await Promise.all(Array.from({ length: count }, (_, index) => join(`reader ${index}`)));
  return {
    ledger,
    producer,
    readers,
    join,
    reach: async (text) => {
      await Promise.all(readers.map((reader) => reader.frame(({ data }) => data === text)));
    },
    async end(timeoutMs) {
      const text = "the end";
      await producer.publish("push.event.k", text);
      await Promise.all(readers.map((reader) => reader.complete(text, timeoutMs)));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(readers.map((reader) => reader[Symbol.asyncDispose]()));
    },
  };
}
