/** What happened to one durable subscription, in the order in which the test saw it. Times are monotonic milliseconds. */
export type SubscriptionMoment =
  /** The log has it; the producer began at that time. */
  | { readonly of: "published"; readonly text: string; readonly at: number }
  /** It came by a connection that the client began to open at `openedAt`. */
  | { readonly of: "received"; readonly id: string; readonly text: string; readonly openedAt: number }
  /** The answer was 204 at that time. */
  | { readonly of: "acknowledged"; readonly id: string; readonly at: number }
  | { readonly of: "dead"; readonly id: string; readonly deliveries: number };

/** The counts of a run. */
export interface SubscriptionAccount {
  readonly published: number;
  readonly received: number;
  readonly acknowledged: number;
  readonly dead: number;
  /** Published and acknowledged by the log, and neither received nor a dead letter. */
  readonly lost: number;
  /** Received, and at the end neither acknowledged nor a dead letter. */
  readonly forgotten: number;
  /** Written to the client again after the answer that it was acknowledged. */
  readonly acknowledgedAgain: number;
  /** Received for the first time behind a later one. */
  readonly outOfOrder: number;
  /** Acknowledged, and a dead letter all the same. */
  readonly deadAgain: number;
  /** Dead letters before their deliveries were used up. */
  readonly deadEarly: number;
}

/** Audits a run at whose end everything that is still open was acknowledged. */
export function auditSubscription(
  moments: readonly SubscriptionMoment[],
  { maxDeliver }: { readonly maxDeliver: number },
): SubscriptionAccount {
  const published = moments.filter((moment) => moment.of === "published");
  const received = moments.filter((moment) => moment.of === "received");
  const acknowledgedAt = new Map(
    moments.flatMap((moment) => (moment.of === "acknowledged" ? [[moment.id, moment.at] as const] : [])),
  );
  const dead = moments.filter((moment) => moment.of === "dead");
  const [texts, ids] = [new Set(received.map(({ text }) => text)), new Set(received.map(({ id }) => id))];
  const deadIds = new Set(dead.map(({ id }) => id));
  return {
    published: published.length,
    received: received.length,
    acknowledged: acknowledgedAt.size,
    dead: dead.length,
    lost: published.filter(({ text }) => !texts.has(text)).length,
    forgotten: [...ids].filter((id) => !acknowledgedAt.has(id) && !deadIds.has(id)).length,
    acknowledgedAgain: countWrittenAgain(received, { published, acknowledgedAt }),
    outOfOrder: countOutOfOrder(received.map(({ id }) => id)),
    deadAgain: dead.filter(({ id }) => acknowledgedAt.has(id)).length,
    deadEarly: dead.filter(({ deliveries }) => deliveries < maxDeliver).length,
  };
}

/** The account as a line; it throws where a promise is broken, or nothing was delivered. */
export function concludeSubscription(account: SubscriptionAccount): string {
  const line = Object.entries(account)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");
  const { lost, forgotten, acknowledgedAgain, outOfOrder, deadAgain, deadEarly } = account;
  const broken = lost + forgotten + acknowledgedAgain + outOfOrder + deadAgain + deadEarly;
  if (account.received === 0 || broken > 0) throw new Error(`UNSOUND: ${line}`);
  return `sound: ${line}`;
}

type Published = Extract<SubscriptionMoment, { of: "published" }>;
type Received = Extract<SubscriptionMoment, { of: "received" }>;

/**
 * Counts what was certainly written behind the answer: its connection was opened behind it, or an event came before it there that was
 * published behind it. What else comes again may have been on its way since before, however long.
 */
function countWrittenAgain(
  received: readonly Received[],
  known: { readonly published: readonly Published[]; readonly acknowledgedAt: ReadonlyMap<string, number> },
): number {
  const publishedAt = new Map(known.published.map(({ text, at }) => [text, at]));
  /** By the connection, which `openedAt` names. */
  const writtenSince = new Map<number, number>();
  let count = 0;
  for (const { id, text, openedAt } of received) {
    const since = writtenSince.get(openedAt) ?? openedAt;
    if (since > (known.acknowledgedAt.get(id) ?? Number.POSITIVE_INFINITY)) count += 1;
    writtenSince.set(openedAt, Math.max(since, publishedAt.get(text) ?? 0));
  }
  return count;
}

function countOutOfOrder(ids: readonly string[]): number {
  const seen = new Set<string>();
  let [last, count] = [0, 0];
  for (const id of ids) {
    const seq = Number(id.split(".")[1]);
    if (!seen.has(id) && seq < last) count += 1;
    seen.add(id);
    last = Math.max(last, seq);
  }
  return count;
}
