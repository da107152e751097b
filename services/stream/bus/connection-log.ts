import { setTimeout as delay } from "node:timers/promises";
import { jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { within } from "#shared/async/within.ts";
import { type ConnectionEntry, connectionSubject } from "#shared/contract/connection-log.ts";
import type { LimitedLog } from "#shared/log/limit-lines.ts";
import { backoffMs } from "#shared/time/backoff.ts";
import type { ConnectionLogFigures } from "../observe/connection-log-metrics.ts";
import type { ConnectionRecord } from "../observe/connection-record.ts";

/** Entries wait so long for others, to be sent with them. */
const GATHER_MS = 100;

/** A stream has one entry about changed topics in this time, the latest. */
const CHANGES_MS = 1_000;

/** So many are sent together, and acknowledged by one answer. */
const BATCH = 256;

/** What may wait, in characters: the entries of ten thousand streams that come back twice. */
const MAX_WAITING = 16_000_000;

/** A batch that is not acknowledged is sent again so often; a reader knows an entry that is there twice by its stream and kind. */
const MAX_ATTEMPTS = 5;
const BACKOFF = { baseMs: 500, maxMs: 8_000 };
const TIMEOUT_MS = 2_000;

/** How long the end of the process waits for the last entries. */
const LAST_MS = 500;

interface Line {
  readonly subject: string;
  readonly text: string;
}

/** The edge, as far as its connection log is written. */
export interface ConnectionLogDeps {
  readonly nats: NatsConnection;
  /** Milliseconds since 1970. */
  readonly wall: () => number;
  readonly figures: ConnectionLogFigures;
  readonly log: LimitedLog;
}

/**
 * Writes who was connected when to the connection log. Nobody waits for it: entries are sent in batches, one after the other, and what
 * finds no room, or is not stored after a few attempts, is lost, counted and logged. Of a batch the last entry alone asks for an
 * acknowledgement, which stands for all: they reach the stream in order over one connection, and 10 000 streams that come back cost the
 * broker and this process a fraction of what as many acknowledgements would.
 */
export class ConnectionLog implements AsyncDisposable {
  readonly #deps: ConnectionLogDeps;
  readonly #publish: (subject: string, text: string) => Promise<unknown>;
  #waiting: Line[] = [];
  #characters = 0;
  /** The latest topics of streams whose topics have changed, by their connection ids. */
  readonly #changed = new Map<string, Line>();
  #timer: NodeJS.Timeout | undefined;
  #changesTimer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  /** Whether the last batch was acknowledged. */
  #isAnswered = false;
  readonly #stop = new AbortController();

  constructor(deps: ConnectionLogDeps) {
    this.#deps = deps;
    const js = jetstream(deps.nats, { timeout: TIMEOUT_MS });
    this.#publish = (subject, text) => js.publish(subject, text, { retries: 0 });
  }

  /** Adds an entry. Returns at once. */
  readonly record = (record: ConnectionRecord): void => {
    const line = lineOf(record, this.#deps.wall());
    const { connectionId } = record;
    if (record.event === "changed") {
      this.#changed.set(connectionId, line);
      this.#changesTimer ??= setTimeout(() => this.#addChanges(), CHANGES_MS);
      return;
    }
    const changed = this.#changed.get(connectionId);
    if (changed !== undefined) this.#add(changed);
    this.#changed.delete(connectionId);
    this.#add(line);
  };

  /** Sends what waits, once, and waits for that a moment. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#addChanges();
    clearTimeout(this.#timer);
    this.#stop.abort();
    const last = (async (): Promise<void> => {
      await this.#sending;
      await this.#sendAll();
    })();
    await within(LAST_MS, last);
    this.#lose(this.#waiting.splice(0), "the process ends");
  }

  #addChanges(): void {
    clearTimeout(this.#changesTimer);
    this.#changesTimer = undefined;
    for (const line of this.#changed.values()) this.#add(line);
    this.#changed.clear();
  }

  #add(line: Line): void {
    if (this.#characters + line.text.length > MAX_WAITING) return this.#lose([line], "too many entries wait");
    this.#waiting.push(line);
    this.#characters += line.text.length;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#sending ??= this.#sendAll().finally(() => (this.#sending = undefined));
    }, GATHER_MS);
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH);
      this.#characters -= batch.reduce((sum, { text }) => sum + text.length, 0);
      await this.#store(batch);
    }
  }

  async #store(batch: readonly Line[]): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        await this.#send(batch);
        return this.#deps.figures.stored(batch.length);
      } catch (error) {
        const isLast = attempt + 1 >= MAX_ATTEMPTS || this.#stop.signal.aborted;
        if (isLast) return this.#lose(batch, (error as Error).message);
      }
      await delay(backoffMs(attempt, BACKOFF), undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  async #send(batch: readonly Line[]): Promise<void> {
    const wasAnswered = this.#isAnswered;
    this.#isAnswered = false;
    const [first, ...others] = batch;
    // A bus that is away keeps in memory what it is given: one entry finds out.
    if (first !== undefined && !wasAnswered) await this.#publish(first.subject, first.text);
    const rest = wasAnswered ? batch : others;
    for (const { subject, text } of rest.slice(0, -1)) this.#deps.nats.publish(subject, text);
    const last = rest.at(-1);
    if (last !== undefined) await this.#publish(last.subject, last.text);
    this.#isAnswered = true;
  }

  #lose(lines: readonly Line[], reason: string): void {
    if (lines.length === 0) return;
    this.#deps.figures.lost(lines.length);
    const facts = { entries: lines.length, reason };
    this.#deps.log.write("error", "connection entries lost", facts, "entries of the connection log were not stored");
  }
}

function lineOf(record: ConnectionRecord, now: number): Line {
  const at = new Date(now).toISOString();
  const subject = connectionSubject(record.tenant, record.subject, record.event);
  if (record.event !== "ended") return { subject, text: JSON.stringify({ ...record, at } satisfies ConnectionEntry) };
  const { livedMs, ...ended } = record;
  const openedAt = new Date(now - livedMs).toISOString();
  return { subject, text: JSON.stringify({ ...ended, at, openedAt } satisfies ConnectionEntry) };
}
