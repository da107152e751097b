import { jetstream, type JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Logger } from "#shared/log/create-logger.ts";
import { invalidateGrants } from "../access/apply-control.ts";
import type { OpenTenant } from "../connections/hub.ts";
import { Tenant, type TenantDeps } from "../connections/tenant.ts";
import type { VerifyDeps } from "../access/verify.ts";
import { deliver, resetLog } from "../deliver.ts";
import { openFeed } from "./feed.ts";
import { createHistory } from "./history.ts";

/** What opening tenants needs. */
export interface OpenTenantDeps extends TenantDeps {
  readonly nats: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly verifying: VerifyDeps;
  readonly maxEventBytes: number;
  /** The time that logs are stamped with, as far as this host knows it. */
  readonly wall: () => number;
  readonly log: Logger;
}

/**
 * Opens a tenant's log for its first listener: what its feed reads drives the message way.
 * @throws {AppError} `tenant_unknown` or `unavailable`.
 */
export async function openTenant(id: string, deps: OpenTenantDeps): Promise<OpenTenant> {
  const { nats, jsm, verifying, maxEventBytes, wall, observer, log } = deps;
  const tenant = new Tenant(id, createHistory(jsm, id, maxEventBytes), deps);
  const feed = await openFeed(
    id,
    {
      onReset: (opening) => resetLog(tenant, opening, verifying),
      onEntry: (entry) => {
        if (entry.kind === "poison")
          observer.quarantined({ tenant: id, seq: entry.position.seq, reason: entry.reason });
        deliver(tenant, entry, verifying);
        if (entry.kind === "control" && entry.change.of === "policy") observer.policyApplied(wall() - entry.storedAt);
        if (entry.kind === "event" && tenant.decisions.isWithoutRule(entry.type)) observer.withoutRule(entry.type);
      },
      onAlive: () => tenant.log.markAlive(),
      onMissing: () => invalidateGrants(tenant, verifying),
    },
    { nats, js: jetstream(nats), jsm, maxEventBytes, log, onDisturbed: () => observer.feedDisturbed() },
  );
  return {
    tenant,
    async [Symbol.asyncDispose]() {
      await feed[Symbol.asyncDispose]();
      tenant[Symbol.dispose]();
    },
  };
}
