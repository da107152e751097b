import { jetstream, type JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Logger } from "#shared/log/create-logger.ts";
import { doubtGrants } from "../audience/apply-control.ts";
import type { OpenTenant } from "../audience/hub.ts";
import { Tenant, type TenantSetting } from "../audience/tenant.ts";
import type { VerifySetting } from "../audience/verify.ts";
import { deliver, reopen } from "../deliver.ts";
import type { StreamMetrics } from "../metrics.ts";
import { openFeed } from "./feed.ts";
import { createHistory } from "./history.ts";

/** What opening tenants needs. */
export interface TenantOpening extends TenantSetting {
  readonly nats: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly verifying: VerifySetting;
  readonly maxEventBytes: number;
  /** The time that logs are stamped with, as far as this host knows it. */
  readonly wall: () => number;
  readonly metrics: StreamMetrics;
  readonly log: Logger;
}

/**
 * Opens a tenant's log for its first listener: what its feed reads drives the message way.
 * @throws {AppError} `tenant_unknown` or `unavailable`.
 */
export async function openTenant(id: string, setting: TenantOpening): Promise<OpenTenant> {
  const { nats, jsm, verifying, maxEventBytes, wall, metrics, log } = setting;
  const tenant = new Tenant(id, createHistory(jsm, id, maxEventBytes), {
    ...setting,
    countDecisions: metrics.countDecisions,
  });
  const feed = await openFeed(
    id,
    {
      onOpen: (opening) => reopen(tenant, opening, verifying),
      onEntry: (entry) => {
        if (entry.kind === "poison") setting.onPoison({ tenant: id, seq: entry.position.seq, reason: entry.reason });
        deliver(tenant, entry, verifying);
        if (entry.kind === "control" && entry.change.of === "policy") metrics.policyApplied(wall() - entry.storedAt);
        if (entry.kind === "event" && tenant.decisions.isWithoutRule(entry.type)) metrics.eventWithoutRule(entry.type);
      },
      onBeat: () => tenant.heard(),
      onMissing: () => doubtGrants(tenant, verifying),
    },
    { nats, js: jetstream(nats), jsm, maxEventBytes, log, onDisturbed: () => metrics.feedDisturbed() },
  );
  return {
    tenant,
    async [Symbol.asyncDispose]() {
      await feed[Symbol.asyncDispose]();
      tenant[Symbol.dispose]();
    },
  };
}
