import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { TenantEntry } from "#shared/contract/control-entry.ts";
import { logStreamName, policyControlSubject, tenantControlSubject } from "#shared/contract/tenant-log.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { appendControl } from "#shared/nats/append-control.ts";
import type { PolicyLog } from "../changes/policy-log.ts";
import type { EventLogs } from "../explain-event.ts";
import type { LogUsage, TenantEntryLog, TenantLogs } from "../tenants/tenant-logs.ts";
import { answered, answeredIfThere, answeredOrUnknown } from "./answered.ts";
import { closeLog, ensureLog } from "./ensure-log.ts";
import { describeLog, findStream, listTenants, listUsages, usageOf } from "./inspect-log.ts";
import type { LogRetention } from "./log-settings.ts";
import { lastMessage, loggedMessage, readPolicyEntry, readTenantEntry, versionAt } from "./read-log.ts";

/** The tenants' logs as JetStream streams. */
export async function openTenantLogs(
  connection: NatsConnection,
  retention: LogRetention,
): Promise<TenantLogs & PolicyLog & TenantEntryLog & LogUsage & EventLogs> {
  const js = jetstream(connection);
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const append = async (tenant: string, subject: string, entry: object, after: number): Promise<boolean> => {
    try {
      await appendControl(js, tenant, subject, entry, { lastSubjectSequence: after });
      return true;
    } catch (error) {
      if (error instanceof AppError && error.code === "version_conflict") return false;
      throw error;
    }
  };
  return {
    ensure: (tenant, shape) => ensureLog(manager, tenant, shape, retention),
    close: (tenant) => closeLog(manager, tenant),
    remove: async (tenant) => void (await answeredIfThere(tenant, () => manager.streams.delete(logStreamName(tenant)))),
    tenants: () => listTenants(manager),

    lastPolicyEntry: (tenant) =>
      answered(tenant, async () => readPolicyEntry(await lastMessage(manager, tenant, policyControlSubject(tenant)))),
    appendPolicyEntry: (tenant, { number, build }, affected, after) =>
      append(tenant, policyControlSubject(tenant), { version: number, build, ...affected }, after),

    lastTenantEntry: (tenant) =>
      answeredIfThere(tenant, async () =>
        readTenantEntry(await lastMessage(manager, tenant, tenantControlSubject(tenant))),
      ),
    appendTenantEntry(tenant, { state, since }, after) {
      const entry: TenantEntry = { state, version: since };
      return append(tenant, tenantControlSubject(tenant), entry, after);
    },

    async usageOf(tenant) {
      const stream = await findStream(manager, tenant);
      return stream && usageOf(stream);
    },
    usages: () => listUsages(manager),

    describe: (tenant) =>
      answeredOrUnknown(tenant, async () => describeLog(await manager.streams.info(logStreamName(tenant)))),
    read: (tenant, seq) =>
      answeredOrUnknown(tenant, async () => {
        const message = await manager.streams.getMessage(logStreamName(tenant), { seq });
        return message === null ? undefined : loggedMessage(message);
      }),
    versionAt: (tenant, seq) => answeredOrUnknown(tenant, () => versionAt(manager, tenant, seq)),
  };
}
