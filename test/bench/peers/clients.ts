import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Programs } from "../programs.ts";
import type { Latency, Received } from "../readers.ts";
import type { Contender, Owner } from "./contender.ts";

/** What each client's ledger says, added up. */
export interface Losses {
  readonly expected: number;
  readonly lost: number;
  readonly repeated: number;
  readonly disordered: number;
}

/** What became of clients that were cut all at once. */
export interface Storm {
  readonly clients: number;
  /** Clients with a stream in force again, and those that had all that they missed. */
  readonly back: number;
  readonly caughtUp: number;
  /** From the cut until the last of them. */
  readonly backMs: number;
  readonly caughtUpMs: number;
  /** Connections that ended again before their client had caught up. */
  readonly cutAgain: number;
}

/** How streams were opened. */
export interface Opened {
  readonly opened: number;
  readonly refused: number;
  readonly ms: number;
}

/** Clients of one server in a process of their own, each with a token of its own. */
export interface Clients extends AsyncDisposable {
  open(count: number): Promise<Opened>;
  /** Opens `count` streams with the requests from `from` on, `atATime` under way at once, and closes each once it is in force. */
  visit(count: number, from: number, atATime: number): Promise<Opened>;
  /** Latencies count from now on. */
  resetLatency(): Promise<void>;
  latency(): Promise<Latency>;
  received(): Promise<Received>;
  /** These read nothing any more, and read on. */
  pause(from: number, to: number): Promise<void>;
  resume(from: number, to: number): Promise<void>;
  storm(timeoutMs: number): Promise<Storm>;
  /** Compares with `events` published to so many topics in turn, each numbered within its topic. */
  losses(events: number, topics: number): Promise<Losses>;
}

/** The most events of one topic that a ledger has room for. */
const MAX_EVENTS = 20_000;

/** Starts the clients of a server, none of them connected; the i-th stream is of topic i mod `topics`. */
export async function startClients(
  programs: Programs,
  contender: Contender,
  { requests, topics, owner }: { readonly requests: number; readonly topics: number; readonly owner?: Owner },
): Promise<Clients> {
  const { port, marker, resume } = contender;
  const file = join(programs.folder, `clients-${port}-${owner ?? "demo"}`);
  await writeFile(file, (await contender.requests(requests, topics, owner)).join(""));
  const program = programs.start("clients", [String(port), file, marker, resume, String(MAX_EVENTS)]);
  return {
    open: (count) => program.ask(`open ${count}`),
    visit: (count, from, atATime) => program.ask(`visit ${count} ${from} ${atATime}`),
    resetLatency: () => program.ask("reset"),
    latency: () => program.ask("latency"),
    received: () => program.ask("count"),
    pause: (from, to) => program.ask(`pause ${from} ${to}`),
    resume: (from, to) => program.ask(`resume ${from} ${to}`),
    storm: (timeoutMs) => program.ask(`storm ${timeoutMs}`),
    losses: (events, of) => program.ask(`ledger ${events} ${of}`),
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

/** @throws when a stream was refused: what is measured then would not be what was meant. */
export async function openAll(clients: Clients, count: number): Promise<void> {
  const { refused } = await clients.open(count);
  if (refused > 0) throw new Error(`${refused} of ${count} streams were refused`);
}
