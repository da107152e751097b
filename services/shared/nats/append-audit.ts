import { jetstream, jetstreamManager, StorageType } from "@nats-io/jetstream";
import { nanos, type NatsConnection } from "@nats-io/transport-node";
import { BootError } from "#shared/config/read-config.ts";
import { AUDIT_STREAM, auditSubject } from "#shared/contract/audit-log.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import type { Clock } from "#shared/time/clock.ts";

const KEPT_MS = 90 * 86_400_000;
const TIMEOUT_MS = 2_000;

interface AuditTrailDeps {
  readonly replicas: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called for each entry that was not stored. */
  readonly onLost: () => void;
}

/** The audit trail. A lost entry is logged and counted; it never fails the audited operation. */
export interface AuditTrail<Entry> {
  /** Appends an entry without waiting for the answer. */
  note(entry: Entry): void;
  /** Appends an entry, and answers once it is stored or has failed. */
  record(entry: Entry): Promise<void>;
}

/**
 * Opens the audit trail: a stream that keeps entries for 90 days and lets nobody delete one, made where there is none.
 * @throws {BootError} when it cannot be had.
 */
export async function openAudit<Entry extends { readonly tenant: string; readonly event: string }>(
  nats: NatsConnection,
  { replicas, clock, log, onLost }: AuditTrailDeps,
): Promise<AuditTrail<Entry>> {
  await openStream(nats, replicas);
  const js = jetstream(nats, { timeout: TIMEOUT_MS });
  const record = async (entry: Entry): Promise<void> => {
    const { tenant, event } = entry;
    const line = JSON.stringify({ at: new Date(clock.wall()).toISOString(), ...entry });
    try {
      await js.publish(auditSubject(tenant, event), line);
    } catch (error) {
      onLost();
      log.error({ entry, reason: (error as Error).message }, "an audit entry was not stored");
    }
  };
  return { record, note: (entry) => void record(entry) };
}

async function openStream(nats: NatsConnection, replicas: number): Promise<void> {
  const { streams } = await jetstreamManager(nats, { checkAPI: false });
  const find = () => streams.info(AUDIT_STREAM).catch(() => undefined);
  try {
    const known = await find();
    const settings = {
      name: AUDIT_STREAM,
      subjects: [auditSubject("*", "*")],
      storage: StorageType.File,
      num_replicas: replicas,
      max_age: nanos(KEPT_MS),
      deny_delete: true,
      deny_purge: true,
    };
    const made = known ?? (await streams.add(settings).catch((error: unknown) => error as Error));
    // Another service may have been quicker.
    const stream = made instanceof Error ? await find() : made;
    if (stream === undefined) throw made;
    if (stream.config.deny_delete && stream.config.deny_purge) return;
  } catch (error) {
    throw new BootError(
      `cannot open the stream ${AUDIT_STREAM} (${(error as Error).message}); check infra/nats/nats.conf`,
    );
  }
  throw new BootError(`the stream ${AUDIT_STREAM} lets its entries be deleted; it is not the one that services make`);
}
