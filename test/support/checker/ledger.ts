import { appendFileSync, readFileSync } from "node:fs";

/**
 * A note of a run. Times are milliseconds of the machine's monotonic clock (`monotonicMs`), so that ledgers of several
 * processes fit together. An event is known by its text: producers never publish the same one twice.
 */
export type Entry =
  /** A producer begins to publish an event; it may try several times. */
  | {
      readonly of: "published";
      readonly tenant: string;
      readonly topic: string;
      readonly text: string;
      readonly at: number;
    }
  /** An attempt to publish it was refused, or not answered. */
  | { readonly of: "unacknowledged"; readonly tenant: string; readonly text: string; readonly at: number }
  /** The log has it. */
  | { readonly of: "acknowledged"; readonly text: string; readonly sequence: number; readonly at: number }
  /** A client opens a connection, after an id where it has one. */
  | {
      readonly of: "opened";
      readonly client: string;
      readonly tenant: string;
      readonly connection: string;
      readonly after?: string | undefined;
      readonly at: number;
    }
  /** A client was given no stream: the answer's status, which is 200 where the edge is busy; 0 where there was none. */
  | { readonly of: "refused"; readonly client: string; readonly status: number; readonly at: number }
  /** A frame came, ours or an event. */
  | {
      readonly of: "received";
      readonly client: string;
      readonly connection: string;
      readonly event: string;
      readonly id?: string | undefined;
      readonly text: string;
      readonly at: number;
    }
  /** Everything up to the event with this text was due at the client. */
  | { readonly of: "complete"; readonly client: string; readonly text: string }
  /**
   * From somewhere between asking and acknowledgement on, the client may see these topics and no others. Until its first
   * entry it may see everything.
   */
  | {
      readonly of: "rights";
      readonly client: string;
      readonly topics: readonly string[];
      readonly askedAt: number;
      readonly acknowledgedAt: number;
    }
  /** The same for the client's session: from then on, for good, it may see nothing. */
  | { readonly of: "ended"; readonly client: string; readonly askedAt: number; readonly acknowledgedAt: number }
  /** The client's session lives until then, as far as auth has said; a later entry prolongs it. */
  | { readonly of: "expires"; readonly client: string; readonly expiresAt: number }
  /**
   * The tenant's events under this pattern are erased, up to that sequence. Clients are sent a gap instead, which needs no
   * other cause. Where the log is mirrored, an edge may read late what was erased, and the erasure behind it.
   */
  | {
      readonly of: "erased";
      readonly tenant: string;
      readonly pattern: string;
      readonly through: number;
      readonly isMirrored?: boolean;
      readonly askedAt: number;
      readonly acknowledgedAt: number;
    }
  /** The client's URL asks for these topics; it may change them, and every one of its streams has its client id. */
  | { readonly of: "topics"; readonly client: string; readonly topics: readonly string[] }
  /** The client asks for a change of its topics; one at a time. */
  | {
      readonly of: "asked";
      readonly client: string;
      readonly add: readonly string[];
      readonly remove: readonly string[];
    }
  /** It is answered, with what is in force then; `unknown`: it may be carried out or not. */
  | {
      readonly of: "answered";
      readonly client: string;
      readonly outcome: "done" | "refused" | "unknown";
      readonly topics?: readonly string[];
      readonly effectiveFrom?: string | undefined;
    }
  /** After an action of the run, the tenant's clients may be sent this. */
  | {
      readonly of: "cause";
      readonly tenant: string;
      readonly event: "gap" | "reset";
      readonly reason: string;
      readonly at: number;
    }
  /** Everybody has caught up: what caused gaps and resets before that causes none any more. */
  | { readonly of: "settled"; readonly at: number };

/** The ledger of one process. */
export type Ledger = Entry[];

/** The time that all processes of this machine share, in milliseconds. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

const LINES_AT_ONCE = 100_000;

/** Adds what a process noted to its file, one line for each entry. */
export function appendLedger(file: string, entries: readonly Entry[]): void {
  // Of millions of entries one text would be longer than a text may be.
  for (let begin = 0; begin < entries.length; begin += LINES_AT_ONCE) {
    const lines = entries.slice(begin, begin + LINES_AT_ONCE).map((entry) => `${JSON.stringify(entry)}\n`);
    appendFileSync(file, lines.join(""));
  }
}

const LF = 10;

/** The ledger in a file. */
export function readLedger(file: string): Ledger {
  const bytes = readFileSync(file);
  const entries: Entry[] = [];
  for (let begin = 0, end = 0; (end = bytes.indexOf(LF, begin)) !== -1; begin = end + 1) {
    if (end > begin) entries.push(JSON.parse(bytes.toString("utf8", begin, end)) as Entry);
  }
  return entries;
}
