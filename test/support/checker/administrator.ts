import type { Stack } from "#test/support/start-stack.ts";
import { type Ledger, monotonicMs } from "./ledger.ts";

/** Replaces the roles of a subject, and notes what that lets its clients see and when. */
export async function changeRoles(
  stack: Stack,
  ledger: Ledger,
  change: { readonly subject: string; readonly roles: readonly string[]; readonly clients: readonly string[] },
  topics: readonly string[],
): Promise<void> {
  const askedAt = monotonicMs();
  await stack.setRoles(change.subject, change.roles);
  const acknowledgedAt = monotonicMs();
  for (const client of change.clients) ledger.push({ of: "rights", client, topics, askedAt, acknowledgedAt });
}

/** Notes what a client may see from the beginning. */
export function noteRights(ledger: Ledger, client: string, topics: readonly string[]): void {
  ledger.push({ of: "rights", client, topics, askedAt: 0, acknowledgedAt: 0 });
}

/** Notes that the run has done something that clients of the tenant are told from now on. */
export function noteCause(ledger: Ledger, tenant: string, event: "gap" | "reset", reason: string): void {
  ledger.push({ of: "cause", tenant, event, reason, at: monotonicMs() });
}
