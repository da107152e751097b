/** An event that the log acknowledged. */
export interface Acknowledged {
  readonly sequence: number;
  readonly topic: string;
  readonly text: string;
}

/** An event that a client got. */
export interface Delivered {
  readonly sequence: number;
  readonly text: string;
}

/** What one client may see, and what it got over all its connections, in order. */
export interface ClientLedger {
  readonly maySee: (topic: string) => boolean;
  readonly delivered: readonly Delivered[];
}

/** What the ledgers of all together say. A run in which nothing was delivered proves nothing. */
export interface Account {
  readonly delivered: number;
  readonly lost: number;
  readonly duplicates: number;
  readonly outOfOrder: number;
  readonly forbidden: number;
}

/** Counts what went wrong, from the first event that each client got to the last one that was acknowledged. */
export function audit(acknowledged: readonly Acknowledged[], clients: readonly ClientLedger[]): Account {
  const topicOf = new Map(acknowledged.map(({ sequence, topic }) => [sequence, topic]));
  const account = { delivered: 0, lost: 0, duplicates: 0, outOfOrder: 0, forbidden: 0 };
  for (const { maySee, delivered } of clients) {
    const got = new Set(delivered.map(({ sequence }) => sequence));
    const first = Math.min(...got);
    account.delivered += delivered.length;
    account.duplicates += delivered.length - got.size;
    account.lost += acknowledged.filter(
      ({ sequence, topic }) => sequence >= first && maySee(topic) && !got.has(sequence),
    ).length;
    account.forbidden += delivered.filter(({ sequence }) => !maySee(topicOf.get(sequence) ?? "")).length;
    account.outOfOrder += delivered.filter(
      ({ sequence }, index) => sequence <= (delivered[index - 1]?.sequence ?? 0),
    ).length;
  }
  return account;
}
