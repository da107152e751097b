import type { ConnectionEntry } from "#shared/contract/connection-log.ts";

type Entry<Event extends ConnectionEntry["event"]> = Extract<ConnectionEntry, { event: Event }>;

/** An entry of the connection log before the log has said when: `at` is now, and `openedAt` is `livedMs` before. */
export type ConnectionRecord =
  | Omit<Entry<"opened">, "at">
  | Omit<Entry<"changed">, "at">
  | (Omit<Entry<"ended">, "at" | "openedAt"> & { readonly livedMs: number });

/** Keeps who was connected when. It returns at once, and never throws. */
export type RecordConnection = (record: ConnectionRecord) => void;
