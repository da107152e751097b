import { randomBytes } from "node:crypto";
import {
  JetStreamApiCodes,
  JetStreamApiError,
  jetstream,
  jetstreamManager,
  type JetStreamManager,
  type StoredMsg,
  type StreamConfig,
  type StreamInfo,
} from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { policyEntrySchema } from "#shared/contract/control-entry.ts";
import { logStreamName, policyControlSubject } from "#shared/contract/tenant-log.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { appendControl } from "#shared/nats/append-control.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import type { Ensured, LastPolicyEntry, LogShape, TenantLogs } from "../tenants/tenant-logs.ts";
import {
  checkLogSettings,
  isSame,
  type LogRetention,
  logSettings,
  type ShapeSettings,
  shapeSettings,
} from "./log-settings.ts";

/** The tenants' logs as JetStream streams. */
export async function openTenantLogs(connection: NatsConnection, retention: LogRetention): Promise<TenantLogs> {
  const js = jetstream(connection);
  const manager = await jetstreamManager(connection, { checkAPI: false });
  return {
    ensure: (tenant, shape) => ensureLog(manager, tenant, shape, retention),
    tenants: () => listTenants(manager),
    async lastPolicyEntry(tenant) {
      const query = { last_by_subj: policyControlSubject(tenant) };
      return readPolicyEntry(await answered(tenant, () => manager.streams.getMessage(logStreamName(tenant), query)));
    },
    async appendPolicyEntry(tenant, { number, build }, concerned, after) {
      const entry = { version: number, build, ...concerned };
      try {
        await appendControl(js, tenant, policyControlSubject(tenant), entry, { lastSubjectSequence: after });
        return true;
      } catch (error) {
        if (error instanceof AppError && error.code === "version_conflict") return false;
        throw error;
      }
    },
  };
}

async function ensureLog(
  manager: JetStreamManager,
  tenant: string,
  shape: LogShape,
  retention: LogRetention,
): Promise<Ensured> {
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
): Promise<Ensured> {
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
    config.num_replicas === wanted.num_replicas;
  if (isCurrent) return "nothing";
  await answered(tenant, () =>
    manager.streams.update(config.name, { ...config, ...repairs, ...wanted } as StreamConfig),
  );
  return "changed";
}

/** A tenant's log as its leader describes it; undefined where there is none. */
export async function findStream(manager: JetStreamManager, tenant: string): Promise<StreamInfo | undefined> {
  try {
    return await manager.streams.info(logStreamName(tenant));
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return undefined;
    throw logUnavailable(tenant, error);
  }
}

async function listTenants(manager: JetStreamManager): Promise<string[]> {
  const prefix = logStreamName("");
  const tenants: string[] = [];
  try {
    for await (const name of manager.streams.names()) {
      if (name.startsWith(prefix)) tenants.push(name.slice(prefix.length));
    }
    return tenants;
  } catch (cause) {
    throw new AppError("unavailable", "the tenants' logs cannot be listed right now; try again", { cause });
  }
}

function readPolicyEntry(message: StoredMsg | null): LastPolicyEntry {
  if (message === null) return { version: undefined, sequence: 0 };
  const entry = policyEntrySchema.safeParse(parseJson(message.string()));
  const version = entry.success ? { number: entry.data.version, build: entry.data.build } : undefined;
  return { version, sequence: message.seq };
}

/** What was asked of a tenant's log; throws AppError `unavailable` when it does not answer. */
export async function answered<T>(tenant: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw logUnavailable(tenant, error);
  }
}

function logUnavailable(tenant: string, cause: unknown): AppError {
  return new AppError("unavailable", `the log of tenant ${tenant} cannot be had right now; try again`, { cause });
}
