import { randomBytes } from "node:crypto";
import type { JetStreamManager, StreamConfig, StreamInfo } from "@nats-io/jetstream";
import { logStreamName } from "#shared/contract/tenant-log.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { ReconciledLog, LogShape } from "../tenants/tenant-logs.ts";
import { answered, answeredIfThere, logUnavailable } from "./answered.ts";
import { findStream } from "./inspect-log.ts";
import {
  checkLogSettings,
  closedSubjects,
  isSame,
  type LogRetention,
  logSettings,
  type ShapeSettings,
  shapeSettings,
} from "./log-settings.ts";

/** Makes a tenant's log, or brings the existing one into this shape; see the port. */
export async function reconcileLog(
  manager: JetStreamManager,
  tenant: string,
  shape: LogShape,
  retention: LogRetention,
): Promise<ReconciledLog> {
  const existing = await findStream(manager, tenant);
  if (existing !== undefined) return correctLog(manager, tenant, existing, shapeSettings(tenant, shape, retention));
  const closed = shapeSettings(tenant, { ...shape, takesEvents: false }, retention);
  // Hex, so that the epoch needs no escape anywhere. Another process may be quicker: then its log is the one to check.
  const settings = logSettings(tenant, randomBytes(6).toString("hex"), closed);
  const made = await manager.streams.add({ ...settings, name: logStreamName(tenant) }).catch((error: unknown) => error);
  const found = await findStream(manager, tenant);
  if (found === undefined) throw logUnavailable(tenant, made);
  if (made instanceof Error) return correctLog(manager, tenant, found, shapeSettings(tenant, shape, retention));
  return "made";
}

async function correctLog(
  manager: JetStreamManager,
  tenant: string,
  { config }: StreamInfo,
  wanted: ShapeSettings,
): Promise<ReconciledLog> {
  const { repairs, faults } = checkLogSettings(tenant, config);
  if (faults.length > 0) {
    const message = `the stream ${config.name} cannot be the log of tenant ${tenant}: ${faults.join("; ")}`;
    throw new AppError("internal", message);
  }
  const isCurrent =
    Object.keys(repairs).length === 0 &&
    isSame(wanted.subjects, config.subjects) &&
    config.max_bytes === wanted.max_bytes &&
    config.max_age === wanted.max_age &&
    config.num_replicas === wanted.num_replicas &&
    config.allow_atomic === wanted.allow_atomic;
  if (isCurrent) return "nothing";
  await answered(tenant, () =>
    manager.streams.update(config.name, { ...config, ...repairs, ...wanted } as StreamConfig),
  );
  return "changed";
}

/** Has an existing log take no more events. */
export async function closeLog(manager: JetStreamManager, tenant: string): Promise<void> {
  const stream = await findStream(manager, tenant);
  const subjects = closedSubjects(tenant);
  if (stream === undefined || isSame(subjects, stream.config.subjects)) return;
  await answeredIfThere(tenant, () => manager.streams.update(stream.config.name, { ...stream.config, subjects }));
}
