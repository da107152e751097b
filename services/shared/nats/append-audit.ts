import { DiscardPolicy, jetstream, jetstreamManager, StorageType, type StreamConfig } from "@nats-io/jetstream";
import { nanos, type NatsConnection } from "@nats-io/transport-node";
import { BootError } from "#shared/config/read-config.ts";
import { AUDIT_STREAM, auditSubject } from "#shared/contract/audit-log.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { limitLines } from "#shared/log/limit-lines.ts";
import type { Clock } from "#shared/time/clock.ts";
import { startFault } from "./start-fault.ts";

const KEPT_MS = 90 * 86_400_000;

/** How much a new trail keeps where the service does not say. */
const DEFAULT_MAX_BYTES = 256 * 1024 * 1024;

/**
 * One kind of entry of one tenant has a sixteenth of the trail, at 256 bytes an entry: whoever causes very many, with logins
 * that fail, pushes out their like and nothing else.
 */
const BYTES_FOR_ONE_OF_A_KIND = 16 * 256;
const TIMEOUT_MS = 2_000;

interface AuditTrailDeps {
  readonly replicas: number;
  /** How much the trail keeps, in bytes; without it, the trail keeps what it has been made with. */
  readonly maxBytes?: number;
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

/** The same trail for what nobody may do without an entry. */
export interface RequiredAudit<Entry> {
  /**
   * Appends an entry, and answers once it is stored.
   * @throws {AppError} `unavailable` when it was not stored.
   */
  require(entry: Entry): Promise<void>;
}

/**
 * Opens the audit trail: a stream that keeps entries for 90 days, within its size, and lets nobody delete one, made where there
 * is none. Where it is full the oldest entries give way.
 * @throws {BootError} when it cannot be had.
 */
export async function openAudit<Entry extends { readonly tenant: string; readonly event: string }>(
  nats: NatsConnection,
  { replicas, maxBytes, clock, log, onLost }: AuditTrailDeps,
): Promise<AuditTrail<Entry> & RequiredAudit<Entry>> {
  const config = await openStream(nats, { replicas, maxBytes });
  if (maxBytes !== undefined) await resize(nats, config, maxBytes, log);
  const js = jetstream(nats, { timeout: TIMEOUT_MS });
  const lines = limitLines(log);
  const require = async (entry: Entry): Promise<void> => {
    const { tenant, event } = entry;
    const line = JSON.stringify({ at: new Date(clock.wall()).toISOString(), ...entry });
    try {
      await js.publish(auditSubject(tenant, event), line);
    } catch (error) {
      onLost();
      lines.write("error", "lost", { entry, reason: (error as Error).message }, "an audit entry was not stored");
      throw new AppError("unavailable", "the audit trail takes no entry, and nothing happens without one; try again", {
        cause: error,
      });
    }
  };
  const record = (entry: Entry): Promise<void> => require(entry).catch(() => undefined);
  return { require, record, note: (entry) => void record(entry) };
}

function limitsOf(maxBytes: number) {
  const max_msgs_per_subject = Math.ceil(maxBytes / BYTES_FOR_ONE_OF_A_KIND);
  return { max_bytes: maxBytes, max_msgs_per_subject, discard: DiscardPolicy.Old };
}

/** A trail of an earlier release has no size. One that cannot be given one works as before, and says so. */
async function resize(nats: NatsConnection, config: StreamConfig, maxBytes: number, log: Logger): Promise<void> {
  const limits = limitsOf(maxBytes);
  if (config.max_bytes === limits.max_bytes && config.max_msgs_per_subject === limits.max_msgs_per_subject) return;
  try {
    const { streams } = await jetstreamManager(nats, { checkAPI: false });
    await streams.update(AUDIT_STREAM, { ...config, ...limits });
    log.info({ maxBytes }, "the audit trail has a new size");
  } catch (error) {
    const advice = "the audit trail keeps the size it had; see the user of auth in infra/nats/nats.conf";
    log.warn({ reason: (error as Error).message }, advice);
  }
}

async function openStream(
  nats: NatsConnection,
  { replicas, maxBytes = DEFAULT_MAX_BYTES }: { readonly replicas: number; readonly maxBytes: number | undefined },
): Promise<StreamConfig> {
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
      ...limitsOf(maxBytes),
      deny_delete: true,
      deny_purge: true,
    };
    const made = known ?? (await streams.add(settings).catch((error: unknown) => error as Error));
    // Another service may have been quicker.
    const stream = made instanceof Error ? await find() : made;
    if (stream === undefined) throw made;
    if (stream.config.deny_delete && stream.config.deny_purge) return stream.config;
  } catch (error) {
    const reason = (error as Error).message;
    throw startFault(error, `cannot open the stream ${AUDIT_STREAM} (${reason}); check infra/nats/nats.conf`);
  }
  throw new BootError(`the stream ${AUDIT_STREAM} lets its entries be deleted; it is not the one that services make`);
}
