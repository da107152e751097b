import {
  JetStreamApiCodes,
  JetStreamApiError,
  jetstream,
  jetstreamManager,
  type JetStreamManager,
  type StoredMsg,
} from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { type TenantEntry, tenantEntrySchema } from "#shared/contract/control-entry.ts";
import { logStreamName, tenantControlSubject } from "#shared/contract/tenant-log.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import { appendControl } from "#shared/nats/append-control.ts";
import type { LastTenantEntry, LifeLogs } from "../tenants/tenant-lives.ts";
import { closedSubjects, isSame } from "./log-settings.ts";
import { answered, findStream } from "./tenant-logs.ts";

/** The tenants' logs as far as the life of their tenants goes. */
export async function openLifeLogs(connection: NatsConnection): Promise<LifeLogs> {
  const js = jetstream(connection);
  const manager = await jetstreamManager(connection, { checkAPI: false });
  return {
    lastTenantEntry: (tenant) =>
      ifThere(tenant, async () => {
        const query = { last_by_subj: tenantControlSubject(tenant) };
        return readTenantEntry(await manager.streams.getMessage(logStreamName(tenant), query));
      }),
    async appendTenantEntry(tenant, { state, since }, after) {
      const entry: TenantEntry = { state, version: since };
      try {
        await appendControl(js, tenant, tenantControlSubject(tenant), entry, { lastSubjectSequence: after });
        return true;
      } catch (error) {
        if (error instanceof AppError && error.code === "version_conflict") return false;
        throw error;
      }
    },
    close: (tenant) => closeLog(manager, tenant),
    async remove(tenant) {
      await ifThere(tenant, () => manager.streams.delete(logStreamName(tenant)));
    },
  };
}

async function closeLog(manager: JetStreamManager, tenant: string): Promise<void> {
  const stream = await findStream(manager, tenant);
  const subjects = closedSubjects(tenant);
  if (stream === undefined || isSame(subjects, stream.config.subjects)) return;
  await ifThere(tenant, () => manager.streams.update(stream.config.name, { ...stream.config, subjects }));
}

function readTenantEntry(message: StoredMsg | null): LastTenantEntry {
  if (message === null) return { state: undefined, version: 0, sequence: 0 };
  const entry = tenantEntrySchema.safeParse(parseJson(message.string()));
  const { state, version = 0 } = entry.success ? entry.data : { state: undefined };
  return { state, version, sequence: message.seq };
}

/** The answer; undefined where there is no log. */
async function ifThere<T>(tenant: string, ask: () => Promise<T>): Promise<T | undefined> {
  return answered(tenant, async () => {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return undefined;
      throw error;
    }
  });
}
