import type { Ledger } from "#test/support/checker/ledger.ts";
import type { SubscriptionMoment } from "#test/support/checker/subscription-audit.ts";

/** Whether a fault has given the tenant's streams a reason to be reset, and not everybody is served again yet. */
export function mayReset(ledger: Ledger, tenant: string): boolean {
  const latest = ledger.findLast(
    (entry) => entry.of === "settled" || (entry.of === "cause" && entry.tenant === tenant && entry.event === "reset"),
  );
  return latest?.of === "cause";
}

/** What a subscription to the tenant's issues is owed. */
export interface Owed {
  readonly tenant: string;
  /** The text of the last event. */
  readonly last: string;
  /** The subscription was told that what came up to this sequence is lost; 0 where it was not. */
  readonly resetAt: number;
}

/** The events that the log has certainly got since the subscription was made, which `entries` begin with. */
export function owedTo(entries: Ledger, { tenant, last, resetAt }: Owed): SubscriptionMoment[] {
  const due = new Map<string, number>();
  const moments: SubscriptionMoment[] = [];
  const end = entries.find((entry) => entry.of === "acknowledged" && entry.text === last);
  const through = end?.of === "acknowledged" ? end.sequence : 0;
  for (const entry of entries) {
    if (entry.of === "published" && entry.tenant === tenant && entry.topic.startsWith("issues."))
      due.set(entry.text, entry.at);
    if (entry.of !== "acknowledged" || entry.sequence <= resetAt || entry.sequence > through) continue;
    const at = due.get(entry.text);
    if (at !== undefined) moments.push({ of: "published", text: entry.text, at });
  }
  return moments;
}
