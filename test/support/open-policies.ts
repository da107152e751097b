import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { policyEntrySchema, type PolicyEntry } from "#shared/contract/control-entry.ts";
import { createLogger } from "#shared/log/create-logger.ts";
import { connectService } from "./connect-service.ts";
import { systemClock } from "#shared/time/clock.ts";
import type { LogRetention } from "../../services/policy/bus/log-settings.ts";
import { openTenantLogs } from "../../services/policy/bus/tenant-logs.ts";
import type { TenantDeps } from "../../services/policy/tenants/tenant-deps.ts";
import { openDocumentCompiler } from "../../services/policy/versions/open-document-compiler.ts";
import { Snapshots } from "../../services/policy/versions/snapshots.ts";
import { openPolicyKv, type WatchedPolicyStore } from "../../services/policy/store/policy-kv.ts";
import { openPolicyParts, type PolicyParts } from "../../services/policy/store/policy-parts-kv.ts";
import { openTombstonesKv } from "../../services/policy/store/tombstones-kv.ts";

/** What one process of policy has open, on a real server. */
export interface OpenPolicies extends AsyncDisposable {
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly store: WatchedPolicyStore;
  readonly parts: PolicyParts;
  readonly deps: TenantDeps;
  /** The policy entries of a tenant's log, oldest first. */
  entries(tenant: string): Promise<PolicyEntry[]>;
}

/** Tests run on machines that are busy with something else. */
const COMPILE_DEADLINE_MS = 30_000;

const RETENTION: LogRetention = { maxBytes: 64 * 1024 * 1024, maxAgeMs: 3_600_000, replicas: 1 };

/** Opens store and logs as policy's user. */
export async function openPolicies(url: string): Promise<OpenPolicies> {
  const log = createLogger("test", "silent");
  const connection = await connectService(url);
  const manager = await jetstreamManager(connection);
  const parts = await openPolicyParts(connection, 1);
  const store = await openPolicyKv(connection, parts, { replicas: 1, clock: systemClock, log });
  const logs = await openTenantLogs(connection, RETENTION);
  const compiler = openDocumentCompiler({ deadlineMs: COMPILE_DEADLINE_MS });
  const snapshots = new Snapshots({ store, compiler, onSwap: () => undefined });
  const deps: TenantDeps = {
    store,
    logs,
    snapshots,
    compiler,
    budget: { take: () => undefined, require: () => undefined },
    changeRateOf: ({ changesPerSecond }) => changesPerSecond,
    tombstones: await openTombstonesKv(connection, parts, 1),
    subscriptions: { remove: async () => 0 },
    connections: { removeConnections: async () => undefined },
    sessions: { end: async () => undefined, restart: async () => undefined },
    clock: systemClock,
    seenErasures: new Map(),
    onChanged: () => undefined,
    onErased: () => undefined,
  };
  return {
    connection,
    manager,
    store,
    parts,
    deps,
    entries: (tenant) => readEntries(manager, tenant),
    async [Symbol.asyncDispose]() {
      await compiler[Symbol.asyncDispose]();
      await connection.close();
    },
  };
}

async function readEntries(manager: JetStreamManager, tenant: string): Promise<PolicyEntry[]> {
  const stream = `EVENTS_${tenant}`;
  const { state } = await manager.streams.info(stream);
  const entries: PolicyEntry[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
    const message = await manager.streams.getMessage(stream, { seq });
    if (message?.subject === `control.${tenant}.policy`) entries.push(policyEntrySchema.parse(message.json()));
  }
  return entries;
}
