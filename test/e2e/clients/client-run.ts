import { audit } from "#test/support/checker/audit.ts";
import { formatAccount, isSound } from "#test/support/checker/account.ts";
import { type Ledger, monotonicMs } from "#test/support/checker/ledger.ts";
import type { Client, Message, Report } from "./client.ts";

/** What every client must show, as the table heads its columns. */
export const PROPERTIES = {
  atOnce: "Shows every event at once",
  noneEmpty: "No empty message",
  afterCut: "Back after a cut",
  afterKill: "Back after `kill -9`",
  afterEnd: "Back after `busy` and `bye`",
  ledger: "Nothing lost or repeated",
} as const;

/** One of them. */
export type Property = keyof typeof PROPERTIES;

/** A client in a run of the matrix: what it reported, and what it failed to show. */
export class ClientRun {
  readonly client: Client;
  /** The first fault in each property that does not hold. */
  readonly faults = new Map<Property, string>();
  /** How often the client took the end of a body for an orderly one. */
  ends = 0;
  /** Its place is lost: nothing is waited for any more. */
  isOut = false;
  readonly #ledger: Ledger = [];
  readonly #counts = new Map<string, number>();
  readonly #texts = new Set<string>();
  #lastFailure = "";

  constructor(client: Client) {
    this.client = client;
    this.#ledger.push({
      of: "opened",
      client: client.name,
      tenant: "demo",
      connection: client.name,
      at: monotonicMs(),
    });
  }

  readonly report = (report: Report): void => {
    if ("failed" in report) this.#lastFailure = report.failed;
    else if ("ended" in report) this.ends += 1;
    else this.#note(report);
  };

  /** How many messages with this event it has dispatched. */
  count(event: string): number {
    return this.#counts.get(event) ?? 0;
  }

  /** Whether it has dispatched the event with this text. */
  hasSeen(text: string): boolean {
    return this.#texts.has(text);
  }

  /** Notes that a property does not hold. */
  fault(property: Property, what: string): void {
    if (!this.faults.has(property)) this.faults.set(property, what);
  }

  /** Takes the client out of the run: it waited in vain. */
  giveUp(property: Property, what: string): void {
    this.isOut = true;
    this.fault(property, `waited in vain for ${what}${this.#lastFailure === "" ? "" : ` (${this.#lastFailure})`}`);
  }

  /** Holds what the client was handed against what was published, up to the event with this text. */
  conclude(published: Ledger, last: string): void {
    const account = audit([...published, ...this.#ledger, { of: "complete", client: this.client.name, text: last }]);
    if (!isSound(account) || account.gaps + account.resets > 0) this.fault("ledger", formatAccount(account));
  }

  #note({ event, id, data }: Message): void {
    const { name } = this.client;
    this.#ledger.push({ of: "received", client: name, connection: name, event, id, text: data, at: monotonicMs() });
    this.#counts.set(event, this.count(event) + 1);
    if (event === "message") this.#texts.add(data);
    // A cursor has an id and no data; whatever else a client hands over a handler may parse.
    if (event !== "cursor" && !isJson(data)) this.fault("noneEmpty", JSON.stringify({ event, data }));
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
