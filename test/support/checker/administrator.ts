import type { StackCalls } from "#test/support/start-stack.ts";
import { type Ledger, monotonicMs } from "./ledger.ts";

/** Replaces the roles of a subject, and notes what that lets its clients see and when. */
export async function changeRoles(
  stack: StackCalls,
  ledger: Ledger,
  change: { readonly subject: string; readonly roles: readonly string[]; readonly clients: readonly string[] },
  topics: readonly string[],
): Promise<void> {
  const askedAt = monotonicMs();
  await stack.setRoles(change.subject, change.roles);
  const acknowledgedAt = monotonicMs();
  for (const client of change.clients) ledger.push({ of: "rights", client, topics, askedAt, acknowledgedAt });
}

/** Erases the tenant's events under a pattern, and notes what is gone and since when; answers how many events there were. */
export async function erase(stack: StackCalls, ledger: Ledger, tenant: string, pattern: string): Promise<number> {
  const askedAt = monotonicMs();
  const { status, body } = await stack.operate("POST", `${tenant}/erase`, { subject: pattern, reason: "a test" });
  if (status !== 200) throw new Error(`nothing was erased: ${status} ${JSON.stringify(body)}`);
  const { through, erased } = body as { through: number; erased: number };
  ledger.push({ of: "erased", tenant, pattern, through, askedAt, acknowledgedAt: monotonicMs() });
  return erased;
}

/** Notes what a client may see from the beginning. */
export function noteRights(ledger: Ledger, client: string, topics: readonly string[]): void {
  ledger.push({ of: "rights", client, topics, askedAt: 0, acknowledgedAt: 0 });
}

/** Notes an action that may send this gap or reset to the tenant's clients from now on. */
export function noteCause(ledger: Ledger, tenant: string, event: "gap" | "reset", reason: string): void {
  ledger.push({ of: "cause", tenant, event, reason, at: monotonicMs() });
}
