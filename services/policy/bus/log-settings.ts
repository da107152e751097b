import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import type { LogShape } from "../tenants/tenant-logs.ts";
import { EPOCH_METADATA, logStreamName, logSubjects } from "#shared/contract/tenant-log.ts";
import { LOG_FAULTS, type LogRepair } from "#shared/nats/log-faults.ts";

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

/** The settings that follow from a log's shape. */
export function shapeSettings(tenant: string, { takesEvents, maxBytes, maxAgeMs }: LogShape, defaults: LogRetention) {
  return {
    subjects: takesEvents ? logSubjects(tenant) : closedSubjects(tenant),
    max_bytes: maxBytes ?? defaults.maxBytes,
    max_age: nanos(maxAgeMs ?? defaults.maxAgeMs),
    num_replicas: defaults.replicas,
    // A batch that comes over HTTP is stored as a whole.
    allow_atomic: true,
  };
}

/** The subjects of a log that takes no events: a publisher gets no answer. */
export function closedSubjects(tenant: string): string[] {
  return [logSubjects(tenant)[1]];
}

/** What is wrong with an existing log: `repairs` an update can make, and `faults` that forbid its use. */
export function checkLogSettings(tenant: string, config: StreamConfig): { repairs: LogRepair; faults: string[] } {
  const found = LOG_FAULTS.filter(({ isIn }) => isIn(config));
  const faults = found.filter(({ repair }) => repair === undefined).map(({ reason }) => reason);
  const subjects = logSubjects(tenant);
  const isOurs = [subjects, closedSubjects(tenant)].some((each) => isSame(each, config.subjects));
  if (!isOurs) faults.push(`its subjects are not ${subjects.join(" and ")}`);
  return { repairs: Object.assign({}, ...found.map(({ repair }) => repair)) as LogRepair, faults };
}

/** Whether both name the same subjects. */
export function isSame(subjects: readonly string[], others: readonly string[] = []): boolean {
  return subjects.toSorted().join() === others.toSorted().join();
}
