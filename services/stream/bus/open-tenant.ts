import type { Logger } from "#shared/log/create-logger.ts";
import { type AppError, toAppError } from "#shared/errors/app-error.ts";
import type { SeatWatch } from "#shared/nats/watch-seat.ts";
import { invalidateGrants } from "../access/apply-control.ts";
import type { Decider, Subject } from "../access/ports.ts";
import type { OpenTenant } from "../connections/hub.ts";
import { Tenant, type TenantDeps } from "../connections/tenant.ts";
import type { VerifyDeps } from "../access/verify.ts";
import { deliver, distrustDecisions, resetLog } from "../deliver.ts";
import { openFeed } from "./feed.ts";
import type { FeedListener } from "./feed-listener.ts";
import { createHistory } from "./history.ts";
import type { MirrorWatch } from "./mirror-watch.ts";
import { logUnreadable } from "./inspect-log.ts";
import type { Bus } from "./paced-bus.ts";
import { reasonOf } from "./trouble-log.ts";

/** The edge, as far as opening tenants uses it. */
export interface OpenTenantDeps extends TenantDeps {
  readonly bus: Bus;
  readonly verifying: VerifyDeps;
  readonly mirrors: MirrorWatch;
  readonly seat: Pick<SeatWatch, "seat">;
  readonly maxEventBytes: number;
  readonly log: Logger;
}

/** Tenants whose trouble is remembered: strangers may ask for any number of names. */
const MAX_TROUBLED = 1_000;

/** A person of no rights, to ask policy whether it knows a tenant. */
const NOBODY: Subject = { id: "nobody", roles: [], groups: [] };

/**
 * Opens a tenant's log for its first listener; its feed drives the message way. Throws AppError `tenant_unknown` where
 * policy does not know the tenant, `unavailable` where its log is missing or cannot be read; the edge logs the reason, once
 * for as long as it lasts.
 */
export function openTenants(deps: OpenTenantDeps): (id: string) => Promise<OpenTenant> {
  const troubled = new Map<string, string>();
  return async (id) => {
    try {
      const open = await openTenant(id, deps);
      troubled.delete(id);
      return open;
    } catch (error) {
      const refusal = await refusalOf(id, error, deps.decider);
      const reason = reasonOf(refusal);
      if (refusal.code !== "tenant_unknown" && troubled.get(id) !== reason) {
        deps.log.warn({ tenant: id, reason }, "a tenant's log cannot be opened");
        if (troubled.size >= MAX_TROUBLED) troubled.clear();
        troubled.set(id, reason);
      }
      throw refusal;
    }
  };
}

async function openTenant(id: string, deps: OpenTenantDeps): Promise<OpenTenant> {
  const { bus, maxEventBytes, observer, log } = deps;
  const history = createHistory(bus, id, maxEventBytes);
  const tenant = new Tenant(id, history, deps);
  try {
    const feed = await openFeed(id, listenFor(tenant, deps), {
      bus,
      mirrors: deps.mirrors,
      seat: deps.seat,
      now: deps.now,
      turns: tenant.turns,
      maxEventBytes,
      log,
      observer,
    });
    return {
      tenant,
      async [Symbol.asyncDispose]() {
        await feed[Symbol.asyncDispose]();
        tenant[Symbol.dispose]();
      },
    };
  } catch (error) {
    tenant[Symbol.dispose]();
    throw error;
  }
}

function listenFor(tenant: Tenant, { verifying, wall, observer }: OpenTenantDeps): FeedListener {
  return {
    onReset: (opening) => resetLog(tenant, opening, verifying),
    onErasures: (entries) => tenant.log.erase(entries),
    onHoles: (policy) => distrustDecisions(tenant, policy, verifying),
    onEntry: (entry) => {
      if (!deliver(tenant, entry, verifying)) return false;
      if (entry.kind === "poison")
        observer.quarantined({ tenant: tenant.id, seq: entry.position.seq, reason: entry.reason });
      if (entry.kind === "event" || entry.kind === "control") observer.fed(wall() - entry.storedAt);
      if (entry.kind === "control" && entry.change.of === "policy") observer.policyApplied(wall() - entry.storedAt);
      return true;
    },
    onBounds(first, last) {
      tenant.log.tail.dropBefore(first);
      tenant.log.noteLast(last);
    },
    onPurged: () => tenant.log.forgetTail(),
    onSource: (source) => void (tenant.log.isMirror = source !== "original"),
    onOrigin: (at, silentMs) => tenant.log.hearOrigin(at, silentMs),
    onAlive: () => tenant.log.markAlive(),
    onMissing: () => invalidateGrants(tenant, verifying),
  };
}

/** A tenant may exist without a log, until its log is made again: policy knows. */
async function refusalOf(id: string, error: unknown, decider: Decider): Promise<AppError> {
  const refusal = toAppError(error);
  if (refusal.code !== "tenant_unknown") return refusal;
  try {
    await decider.resolve(id, NOBODY, undefined);
  } catch (answer) {
    const { code } = toAppError(answer);
    if (code === "tenant_unknown" || code === "tenant_suspended") return answer as AppError;
  }
  return logUnreadable(new Error("policy knows the tenant, or does not answer, and there is no log of it"));
}
