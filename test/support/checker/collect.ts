import type { Entry } from "./ledger.ts";

type Of<Kind extends Entry["of"]> = Extract<Entry, { of: Kind }>;

/** An event as its producer knows it. */
export interface PublishedEvent {
  readonly tenant: string;
  readonly topic: string;
  readonly text: string;
  readonly publishedAt: number;
  acknowledged: { readonly sequence: number; readonly acknowledgedAt: number } | undefined;
}

/** What a client does and meets. */
type Moment = Of<"opened" | "received" | "expires" | "asked" | "answered">;

/** A client over all its connections. */
export interface Client {
  readonly tenant: string;
  /** Connections and frames, as they came. */
  readonly moments: Moment[];
  /** The topics of its URL, where it changes them; undefined where it asks for all that it may see. */
  topics: readonly string[] | undefined;
  /** In the order in which they were asked for. */
  readonly rights: Rights[];
  completeText: string | undefined;
}

/** What a client may see, from somewhere between asking and acknowledgement on. */
export type Rights = Pick<Of<"rights">, "topics" | "askedAt" | "acknowledgedAt">;

/** A gap or reset that the run declares, and until when it may come. */
export type Cause = Of<"cause"> & { readonly until: number };

/** Erased events. */
export type Erasure = Of<"erased">;

/** What may have caused gaps and resets: what the run declares, and its erasures. */
export function collectCauses(entries: readonly Entry[]): Cause[] {
  const settledAt = entries.flatMap((entry) => (entry.of === "settled" ? [entry.at] : []));
  return entries.flatMap((entry): Cause[] => {
    if (entry.of === "cause") {
      return [{ ...entry, until: settledAt.find((at) => at > entry.at) ?? Number.POSITIVE_INFINITY }];
    }
    if (entry.of !== "erased") return [];
    const { tenant, askedAt: at } = entry;
    return [{ of: "cause", tenant, event: "gap", reason: "erased", at, until: Number.POSITIVE_INFINITY }];
  });
}

/** The events of a run by their text. */
export function collectEvents(entries: readonly Entry[]): Map<string, PublishedEvent> {
  const events = new Map<string, PublishedEvent>();
  for (const entry of entries) {
    if (entry.of !== "published") continue;
    const { tenant, topic, text, at } = entry;
    events.set(text, { tenant, topic, text, publishedAt: at, acknowledged: undefined });
  }
  for (const entry of entries) {
    if (entry.of !== "acknowledged") continue;
    const event = events.get(entry.text);
    if (event !== undefined) event.acknowledged = { sequence: entry.sequence, acknowledgedAt: entry.at };
  }
  return events;
}

/** The clients of a run by their names. */
export function collectClients(entries: readonly Entry[]): Map<string, Client> {
  const clients = new Map<string, Client>();
  for (const entry of entries) {
    if (entry.of === "opened" && !clients.has(entry.client)) clients.set(entry.client, createClient(entry.tenant));
  }
  for (const entry of entries) {
    if (!("client" in entry)) continue;
    const client = clients.get(entry.client);
    if (client === undefined) throw new Error(`client ${entry.client} has noted something and opened nothing`);
    note(client, entry);
  }
  return clients;
}

function createClient(tenant: string): Client {
  const always = Number.NEGATIVE_INFINITY;
  return {
    tenant,
    moments: [],
    topics: undefined,
    rights: [{ topics: [">"], askedAt: always, acknowledgedAt: always }],
    completeText: undefined,
  };
}

function note(client: Client, entry: Extract<Entry, { client: string }>): void {
  if (entry.of === "topics") client.topics = entry.topics;
  else if (entry.of === "rights") client.rights.push(entry);
  else if (entry.of === "complete") client.completeText = entry.text;
  else if (entry.of === "ended") client.rights.push({ ...entry, topics: [] });
  else if (entry.of !== "refused") client.moments.push(entry);
}
