import type { NatsConnection } from "@nats-io/transport-node";
import type { Logger } from "#shared/log/create-logger.ts";
import { openAudit } from "#shared/nats/append-audit.ts";
import { systemClock as clock } from "#shared/time/clock.ts";
import { createChangeBudget } from "../changes/change-budget.ts";
import { auditChange, type ChangeEntry } from "../changes/audit-change.ts";
import { openConnectionsLog } from "../bus/connections-log.ts";
import { openTenantLogs } from "../bus/tenant-logs.ts";
import { logRetention, type PolicyConfig } from "../config.ts";
import { auditClose, type CloseEntry } from "../edges/audit-close.ts";
import type { ConnectionClose } from "../edges/find-connection.ts";
import { auditInspection, type Inspection, type InspectionEntry } from "../events/audit-inspection.ts";
import { auditErasure, type ErasureEntry } from "../events/audit-erasure.ts";
import type { PolicyMetrics } from "../metrics.ts";
import { Snapshots } from "../versions/snapshots.ts";
import { PartCollector } from "../store/collect-parts.ts";
import { openPolicyKv } from "../store/policy-kv.ts";
import { openPolicyParts } from "../store/policy-parts-kv.ts";
import { shareReads } from "../store/share-reads.ts";
import { openSubscriptionsKv } from "../store/subscriptions-kv.ts";
import { openTombstonesKv } from "../store/tombstones-kv.ts";
import type { TenantLimits } from "../limits/tenant-limits.ts";
import { effectiveLimits, type Tiers } from "../limits/tiers.ts";
import {
  auditSubscription,
  type SubscriptionChange,
  type SubscriptionEntry,
} from "../subscriptions/audit-subscription.ts";
import type { TenantDeps } from "../tenants/tenant-deps.ts";

interface PolicyParts extends Pick<TenantDeps, "sessions" | "compiler"> {
  readonly tiers: Tiers;
  readonly metrics: PolicyMetrics;
  readonly log: Logger;
}

/** Opens the store, the logs, the compiled policies and what the life of tenants takes. */
export async function openPolicies(
  nats: NatsConnection,
  config: PolicyConfig,
  { sessions, compiler, tiers, metrics, log }: PolicyParts,
) {
  const parts = await openPolicyParts(nats, config.NATS_REPLICAS);
  const store = await openPolicyKv(nats, parts, { replicas: config.NATS_REPLICAS, clock, log });
  const logs = await openTenantLogs(nats, logRetention(config));
  const snapshots = new Snapshots({
    store: { read: shareReads((tenant) => store.read(tenant)) },
    compiler,
    onSwap: (tenant, snapshot) => metrics.snapshotSwapped(tenant, snapshot?.version.number),
  });
  const onLost = (): void => metrics.auditEntriesLost.inc();
  const audit = await openAudit<ChangeEntry | ErasureEntry | CloseEntry | InspectionEntry | SubscriptionEntry>(nats, {
    replicas: config.NATS_REPLICAS,
    clock,
    log,
    onLost,
  });
  const onChanged: TenantDeps["onChanged"] = (change) => {
    metrics.changes.inc({ kind: change.kind });
    return auditChange(audit, change);
  };
  const tombstones = await openTombstonesKv(nats, parts, config.NATS_REPLICAS);
  const onErased: TenantDeps["onErased"] = (erasure) => {
    metrics.erasedEvents.inc(erasure.erased ?? 0);
    return auditErasure(audit, erasure);
  };
  return {
    store,
    logs,
    recorded: {
      onClosed: (close: ConnectionClose) => auditClose(audit, close),
      onSubscriptionChanged: (change: SubscriptionChange) => auditSubscription(audit, change),
      onInspected: (inspection: Inspection) => auditInspection(audit, inspection),
    },
    collector: new PartCollector({ parts, heads: (tenant) => store.history(tenant), clock }),
    deps: {
      store,
      logs,
      snapshots,
      compiler,
      budget: openBudget(config, metrics),
      changeRateOf: (limits: TenantLimits) => effectiveLimits(tiers, limits).changesPerSecond,
      tombstones,
      subscriptions: await openSubscriptionsKv(nats, config.NATS_REPLICAS, log),
      connections: await openConnectionsLog(nats, config.NATS_REPLICAS, config.POLICY_CONNECTIONS_MAX_BYTES),
      sessions,
      seenErasures: new Map(),
      clock,
      onChanged,
      onErased,
    },
  };
}

function openBudget(
  { POLICY_CHANGES_PER_SECOND: perSecond, POLICY_CHANGES_BURST: burst }: PolicyConfig,
  metrics: PolicyMetrics,
) {
  const onRefused = (): void => metrics.changesRefused.inc();
  return createChangeBudget({ perSecond, burst }, () => clock.monotonic(), onRefused);
}
