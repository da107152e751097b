import { jetstream, type JetStreamClient, jetstreamManager, type JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { TenantEntry } from "#shared/contract/control-entry.ts";
import {
  erasedControlSubject,
  logStreamName,
  policyControlSubject,
  tenantControlSubject,
} from "#shared/contract/tenant-log.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { appendControl } from "#shared/nats/append-control.ts";
import type { PolicyLog } from "../changes/policy-log.ts";
import type { ErasureLog } from "../events/erasure-log.ts";
import type { EventHistory } from "../events/event-log.ts";
import type { LogUsage, TenantEntryLog, TenantLogs } from "../tenants/tenant-logs.ts";
import { answered, answeredIfThere, answeredOrUnknown } from "./answered.ts";
import { closeLog, reconcileLog } from "./reconcile-log.ts";
import { logHistory } from "./log-history.ts";
import { describeLog, findStream, listTenants, listUsages, usageOf } from "./inspect-log.ts";
import type { LogRetention } from "./log-settings.ts";
import {
  lastMessage,
  loggedMessage,
  readErasedEntry,
  readPolicyEntry,
  readTenantEntry,
  versionAt,
} from "./read-log.ts";

/** All that policy does with the tenants' logs. */
type AllLogs = TenantLogs & PolicyLog & TenantEntryLog & LogUsage & ErasureLog & EventHistory;

/** The tenants' logs as JetStream streams. */
export async function openTenantLogs(connection: NatsConnection, retention: LogRetention): Promise<AllLogs> {
  const js = jetstream(connection);
  const manager = await jetstreamManager(connection, { checkAPI: false });
  return {
    ...streamsOf(manager, retention),
    ...controlEntriesOf(js, manager),
    ...eventsOf(manager),
    ...logHistory(manager),
  };
}

function streamsOf(manager: JetStreamManager, retention: LogRetention): TenantLogs & LogUsage {
  return {
    reconcile: (tenant, shape) => reconcileLog(manager, tenant, shape, retention),
    close: (tenant) => closeLog(manager, tenant),
    remove: async (tenant) => void (await answeredIfThere(tenant, () => manager.streams.delete(logStreamName(tenant)))),
    tenants: () => listTenants(manager),
    async usageOf(tenant) {
      const stream = await findStream(manager, tenant);
      return stream && usageOf(stream);
    },
    usages: () => listUsages(manager),
  };
}

type ControlEntryLog = PolicyLog &
  TenantEntryLog &
  Pick<ErasureLog, "lastErasedEntry" | "nextErasedEntry" | "appendErasedEntry">;

function controlEntriesOf(js: JetStreamClient, manager: JetStreamManager): ControlEntryLog {
  const append = appendWith(js);
  return {
    lastPolicyEntry: (tenant) =>
      answered(tenant, async () => readPolicyEntry(await lastMessage(manager, tenant, policyControlSubject(tenant)))),
    async appendPolicyEntry(tenant, { number, build }, affected, after) {
      const entry = { version: number, build, ...affected };
      return (await append(tenant, policyControlSubject(tenant), entry, after)) !== undefined;
    },
    lastTenantEntry: (tenant) =>
      answeredIfThere(tenant, async () =>
        readTenantEntry(await lastMessage(manager, tenant, tenantControlSubject(tenant))),
      ),
    async appendTenantEntry(tenant, { state, since }, after) {
      const entry: TenantEntry = { state, version: since };
      return (await append(tenant, tenantControlSubject(tenant), entry, after)) !== undefined;
    },
    lastErasedEntry: (tenant) =>
      answered(tenant, async () => readErasedEntry(await lastMessage(manager, tenant, erasedControlSubject(tenant)))),
    nextErasedEntry: (tenant, from) =>
      answered(tenant, async () => {
        const query = { seq: from, next_by_subj: erasedControlSubject(tenant) };
        return readErasedEntry(await manager.streams.getMessage(logStreamName(tenant), query));
      }),
    appendErasedEntry: (tenant, entry, after) => append(tenant, erasedControlSubject(tenant), entry, after),
  };
}

/**
 * Appends an entry if `after` is the sequence of the subject's last one. Answers the new sequence; undefined if not.
 */
function appendWith(js: JetStreamClient) {
  return async (tenant: string, subject: string, entry: object, after: number): Promise<number | undefined> => {
    try {
      return await appendControl(js, tenant, subject, entry, { lastSubjectSequence: after });
    } catch (error) {
      if (error instanceof AppError && error.code === "version_conflict") return undefined;
      throw error;
    }
  };
}

function eventsOf(
  manager: JetStreamManager,
): Pick<ErasureLog, "describe" | "read" | "nextOfTopic" | "purge"> & Pick<EventHistory, "versionAt"> {
  return {
    describe: (tenant) =>
      answeredOrUnknown(tenant, async () => describeLog(await manager.streams.info(logStreamName(tenant)))),
    read: (tenant, seq) =>
      answeredOrUnknown(tenant, async () => {
        const message = await manager.streams.getMessage(logStreamName(tenant), { seq });
        return message === null ? undefined : loggedMessage(message);
      }),
    versionAt: (tenant, seq) => answeredOrUnknown(tenant, () => versionAt(manager, tenant, seq)),
    nextOfTopic: (tenant, topic, from) =>
      answered(tenant, async () => {
        const query = { seq: from, next_by_subj: `events.${tenant}.${topic}` };
        return (await manager.streams.getMessage(logStreamName(tenant), query))?.seq;
      }),
    purge: (tenant, pattern, through) =>
      answered(tenant, async () => {
        const purging = { filter: `events.${tenant}.${pattern}`, seq: through + 1 };
        return (await manager.streams.purge(logStreamName(tenant), purging)).purged;
      }),
  };
}
