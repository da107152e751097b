import { type ConsumerConfig, DeliverPolicy, jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { fairLimiter } from "#shared/async/fair-limiter.ts";
import { orUnavailable } from "#shared/async/or-unavailable.ts";
import { AUDIT_STREAM, auditSubject } from "#shared/contract/audit-log.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import { startTimeOf } from "#shared/nats/start-time.ts";
import { createEntryNames, type EntryNames } from "../audit/entry-names.ts";
import type { AuditPage, AuditStart, ReadAudit, StoredEntry } from "../audit/read-audit.ts";

/** How many readings are under way: each has a consumer of its own. */
const READ_AT_ONCE = 4;
const DEADLINE_MS = 2_000;

/** Reads the audit trail by a consumer for each page. The key is what entries are named by. */
export function createAuditReader(nats: NatsConnection, encryptionKey: Uint8Array): ReadAudit {
  const inTurn = fairLimiter(READ_AT_ONCE);
  const names = createEntryNames(encryptionKey);
  return async (tenant, start, limit) => {
    const from = placeOf(tenant, start, names);
    const nameOf = (sequence: number): string => names.nameOf(tenant, sequence);
    return inTurn(tenant, () =>
      orUnavailable("the audit trail does not answer; try again", () =>
        readPage(nats, tenant, { from, nameOf }, limit),
      ),
    );
  };
}

type Place = Pick<ConsumerConfig, "deliver_policy"> & Partial<ConsumerConfig>;

function placeOf(tenant: string, start: AuditStart, names: EntryNames): Place {
  if ("since" in start)
    return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: startTimeOf(Date.parse(start.since)) };
  const sequence = names.sequenceOf(tenant, start.after);
  if (sequence === undefined) throw new AppError("malformed_request", "after must be the id of an entry");
  return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: sequence + 1 };
}

async function readPage(
  nats: NatsConnection,
  tenant: string,
  { from, nameOf }: { readonly from: Place; readonly nameOf: (sequence: number) => string },
  limit: number,
): Promise<AuditPage> {
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
      const entry = parseJson(message.string()) as Omit<StoredEntry, "id">;
      entries.push({ ...entry, id: nameOf(message.seq) } as StoredEntry);
      if (entries.length === wanted) break;
    }
    return { entries, hasMore: pending > entries.length };
  } finally {
    await consumer.delete().catch(() => undefined);
  }
}
