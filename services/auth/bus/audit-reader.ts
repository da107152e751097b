import { DeliverPolicy, jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { fairLimiter } from "#shared/async/fair-limiter.ts";
import { orUnavailable } from "#shared/async/or-unavailable.ts";
import { AUDIT_STREAM, auditSubject } from "#shared/contract/audit-log.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import type { AuditPage, AuditStart, ReadAudit, StoredEntry } from "../audit/read-audit.ts";

/** How many readings are under way: each has a consumer of its own. */
const READ_AT_ONCE = 4;
const DEADLINE_MS = 2_000;

/** Reads the audit trail by a consumer for each page. */
export function createAuditReader(nats: NatsConnection): ReadAudit {
  const inTurn = fairLimiter(READ_AT_ONCE);
  return (tenant, start, limit) =>
    inTurn(tenant, () =>
      orUnavailable("the audit trail does not answer; try again", () => readPage(nats, tenant, start, limit)),
    );
}

async function readPage(nats: NatsConnection, tenant: string, start: AuditStart, limit: number): Promise<AuditPage> {
  const from =
    "after" in start
      ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: start.after + 1 }
      : { deliver_policy: DeliverPolicy.StartTime, opt_start_time: start.since };
  const consumer = await jetstream(nats, { timeout: DEADLINE_MS }).consumers.get(AUDIT_STREAM, {
    filter_subjects: [auditSubject(tenant, "*")],
    ...from,
  });
  try {
    const pending = (await consumer.info()).num_pending;
    const entries: StoredEntry[] = [];
    if (pending === 0) return { entries, hasMore: false };
    const wanted = Math.min(pending, limit);
    for await (const message of await consumer.fetch({ max_messages: wanted, expires: DEADLINE_MS })) {
      const entry = parseJson(message.string()) as Omit<StoredEntry, "sequence">;
      entries.push({ ...entry, sequence: message.seq } as StoredEntry);
      if (entries.length === wanted) break;
    }
    return { entries, hasMore: pending > entries.length };
  } finally {
    await consumer.delete().catch(() => undefined);
  }
}
