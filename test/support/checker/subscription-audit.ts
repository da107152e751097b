/** What happened to one durable subscription, in the order in which the test saw it. Times are monotonic milliseconds. */
export type SubscriptionMoment =
  | { readonly of: "published"; readonly text: string }
  | { readonly of: "received"; readonly id: string; readonly text: string; readonly at: number }
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
  /** Received again after the answer that it was acknowledged. */
  readonly acknowledgedAgain: number;
  /** Received for the first time behind a later one. */
  readonly outOfOrder: number;
  /** Acknowledged, and a dead letter all the same. */
  readonly deadAgain: number;
  /** Dead letters before their deliveries were used up. */
  readonly deadEarly: number;
}

/** What was written before the answer may be on its way for so long. */
const ON_ITS_WAY_MS = 500;

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
    acknowledgedAgain: received.filter(({ id, at }) => at > (acknowledgedAt.get(id) ?? at) + ON_ITS_WAY_MS).length,
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
