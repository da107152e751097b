import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import type { LogShape } from "../tenants/tenant-logs.ts";
import { EPOCH, EPOCH_METADATA, logStreamName, logSubjects } from "#shared/contract/tenant-log.ts";

/** How long and how much a tenant's log keeps, and on how many servers. */
export interface LogRetention {
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  readonly replicas: number;
}

/** How long the broker recognises a repeated `Nats-Msg-Id`. */
const DUPLICATE_WINDOW_MS = 120_000;

/** A tenant's log as a new stream. */
export function logSettings(tenant: string, epoch: string, shape: ShapeSettings): Partial<StreamConfig> {
  return {
    name: logStreamName(tenant),
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
    allow_direct: true,
    deny_delete: true,
    deny_purge: false,
    duplicate_window: nanos(DUPLICATE_WINDOW_MS),
    metadata: { [EPOCH_METADATA]: epoch },
    ...shape,
  };
}

/** The settings of a log that may change while it lives. */
export type ShapeSettings = ReturnType<typeof shapeSettings>;

/** The settings that follow from what a tenant's log is to be. */
export function shapeSettings(tenant: string, { takesEvents, maxBytes, maxAgeMs }: LogShape, defaults: LogRetention) {
  return {
    subjects: takesEvents ? logSubjects(tenant) : closedSubjects(tenant),
    max_bytes: maxBytes ?? defaults.maxBytes,
    max_age: nanos(maxAgeMs ?? defaults.maxAgeMs),
    num_replicas: defaults.replicas,
  };
}

/** The subjects of a log that takes no events: nobody answers who publishes one. */
export function closedSubjects(tenant: string): string[] {
  return [logSubjects(tenant)[1]];
}

/** What is wrong with an existing log: whatever would make a gap in it undetectable, or the log another one. */
export function wrongLogSettings(tenant: string, config: StreamConfig): string[] {
  const subjects = logSubjects(tenant);
  const isOurs = [subjects, closedSubjects(tenant)].some((each) => isSame(each, config.subjects));
  const wrong: Array<[boolean, string]> = [
    [
      !EPOCH.test(config.metadata?.[EPOCH_METADATA] ?? ""),
      `metadata ${EPOCH_METADATA} must be 8 to 32 of A-Z a-z 0-9 _ -`,
    ],
    [!isOurs, `subjects must be ${subjects.join(" and ")}`],
    [config.storage !== StorageType.File, "storage must be file"],
    [config.retention !== RetentionPolicy.Limits, "retention must be limits"],
    [config.discard !== DiscardPolicy.Old, "discard must be old"],
    [!config.allow_direct, "allow_direct must be on"],
    [!config.deny_delete, "deny_delete must be on"],
    [config.max_msgs_per_subject > 0, "max_msgs_per_subject must not be set"],
    [config.allow_msg_ttl === true, "allow_msg_ttl must be off"],
  ];
  return wrong.filter(([isWrong]) => isWrong).map(([, text]) => text);
}

/** Whether both name the same subjects. */
export function isSame(subjects: readonly string[], others: readonly string[] = []): boolean {
  return subjects.toSorted().join() === others.toSorted().join();
}
