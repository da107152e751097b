import type { Entry } from "./ledger.ts";

type Received = Extract<Entry, { of: "received" }>;

/** The workers of the edges of a run, by what they have said to their clients. */
export class Workers {
  readonly #received: readonly Received[];
  /** By connection: a client's connection leads to one edge. */
  readonly #workerOf = new Map<string, string>();

  constructor(entries: readonly Entry[]) {
    this.#received = entries.filter((entry) => entry.of === "received");
    for (const { event, connection, text } of this.#received) {
      if (event === "ready" && text !== "") this.#workerOf.set(connection, workerIn(text));
    }
  }

  /** Whether the worker that a connection leads to had told somebody of a place behind a sequence of a log before a time. */
  hasPassed(connection: string, epoch: string, sequence: number, before: number): boolean {
    const worker = this.#workerOf.get(connection);
    return this.#received.some(({ id = "", at, connection: other }) => {
      const [of, place] = id.split(".");
      return at < before && of === epoch && Number(place) > sequence && this.#workerOf.get(other) === worker;
    });
  }
}

/** A connection's id is `<worker id>-<random>`. */
function workerIn(ready: string): string {
  const { connectionId = "" } = JSON.parse(ready) as { connectionId?: string };
  return connectionId.split("-")[0] ?? "";
}
