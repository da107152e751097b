import { gaugeWhenRead } from "#shared/metrics/counted-when-read.ts";
import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Registry } from "prom-client";
import { AUDIT_STREAM } from "#shared/contract/audit-log.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { openAudit } from "#shared/nats/append-audit.ts";
import type { Clock } from "#shared/time/clock.ts";
import type { Audit, AuditEntry } from "../audit/audit.ts";
import { limitRefusals } from "../audit/limit-refusals.ts";
import type { AuthMetrics } from "../metrics.ts";

interface AuditTrailParts {
  readonly replicas: number;
  readonly maxBytes: number;
  readonly clock: Clock;
  readonly metrics: Pick<AuthMetrics, "auditEntriesLost" | "auditEntriesLeftOut">;
  readonly registry: Registry;
  readonly log: Logger;
}

/**
 * Opens auth's part of the audit trail, which refused logins cannot fill, and shows in the metrics how far back it reaches.
 * @throws {BootError} when it cannot be had.
 */
export async function openAuditTrail(nats: NatsConnection, parts: AuditTrailParts): Promise<Audit> {
  const { metrics, registry, clock, maxBytes } = parts;
  const trail = await openAudit<AuditEntry>(nats, { ...parts, onLost: () => metrics.auditEntriesLost.inc() });
  await showReach(registry, nats, clock);
  const onLeftOut = (): void => metrics.auditEntriesLeftOut.inc();
  return limitRefusals(trail, { maxBytes, now: () => clock.monotonic(), onLeftOut });
}

async function showReach(registry: Registry, nats: NatsConnection, clock: Clock): Promise<void> {
  const { streams } = await jetstreamManager(nats, { checkAPI: false, timeout: 2_000 });
  const described = {
    name: "sluice_auth_audit_oldest_seconds",
    help: "How old the oldest entry of the audit trail is.",
  };
  gaugeWhenRead(registry, described, async (gauge) => {
    const info = await streams.info(AUDIT_STREAM).catch(() => undefined);
    const isEmpty = info?.state.messages === 0;
    const age = (clock.wall() - Date.parse(info?.state.first_ts ?? "")) / 1_000;
    // Without NATS there is no figure.
    gauge.set(isEmpty ? 0 : age);
  });
}
