import type { NatsConnection } from "@nats-io/transport-node";
import { DecisionServiceService } from "#proto/policy/v1/decision.ts";
import { BootError } from "#shared/config/read-config.ts";
import { remoteKeys } from "#shared/contract/remote-keys.ts";
import { verifyAccessToken, withoutWithdrawn } from "#shared/contract/verify-access-token.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { openGrpcSecurity } from "#shared/grpc/grpc-security.ts";
import { startGrpcServer } from "#shared/grpc/start-server.ts";
import { createApiServer, createJsonApi } from "#shared/http/json-api.ts";
import { closeServer, listen } from "#shared/http/listen.ts";
import { startOpsServer } from "#shared/http/ops-server.ts";
import { createLogger, type Logger } from "#shared/log/create-logger.ts";
import { createMetricsRegistry } from "#shared/metrics/registry.ts";
import { connectNats, drainNats } from "#shared/nats/connect-nats.ts";
import { followWithdrawnKeys, type WithdrawnKeys } from "#shared/nats/withdrawn-keys.ts";
import { systemClock as clock } from "#shared/time/clock.ts";
import { openTenantLogs } from "./bus/tenant-logs.ts";
import type { PolicyChanging } from "./change-policy.ts";
import type { PolicyConfig } from "./config.ts";
import { createDecisionService, decisionCallers } from "./grpc/decision-service.ts";
import type { Authorizing } from "./http/authorize.ts";
import { addCheckRoute } from "./http/check-route.ts";
import { addPolicyRoutes } from "./http/policy-routes.ts";
import { addSubjectRoutes } from "./http/subject-routes.ts";
import { addTenantRoutes } from "./http/tenant-routes.ts";
import { createPolicyMetrics, type PolicyMetrics } from "./metrics.ts";
import { Snapshots } from "./snapshots.ts";
import { openPolicyKv, type WatchedPolicyStore } from "./store/policy-kv.ts";
import { openRevocationsKv } from "./store/revocations-kv.ts";
import type { StoredPolicy } from "./store/stored-policy.ts";
import { endBindings } from "./tenants/end-bindings.ts";
import { ensureAnnounced, keepAnnounced } from "./tenants/keep-announced.ts";
import { applyFile } from "./watch/apply-file.ts";
import { watchDocuments } from "./watch/watch-documents.ts";

const CLOSE_GRACE_MS = 5_000;
const WATCH_EVERY_MS = 300;
const CHECK_ANNOUNCED_EVERY_MS = 5_000;
const END_BINDINGS_EVERY_MS = 500;
const MAX_BODY_BYTES = 1024 * 1024;

/** Starts policy; disposing it ends it in the reverse order of what stands here. */
export async function startPolicy(config: PolicyConfig): Promise<AsyncDisposable> {
  await using starting = new AsyncDisposableStack();
  const log = createLogger("policy", config.LOG_LEVEL);
  const host = config.POLICY_BIND_ADDRESS;
  const registry = createMetricsRegistry();
  const metrics = createPolicyMetrics(registry);

  const security = starting.use(await openGrpcSecurity(config, "policy.sluice", log));
  const nats = starting.adopt(await connectNats(config.NATS_URL, "policy", log), drainNats);
  const { store, changing } = await openPolicies(nats, config, metrics, log);
  await checkTenants(changing, log);
  starting.use(followPolicies(store, changing, log));
  const onRejected = (): void => metrics.documentsRejected.inc();
  const { rejections } = starting.use(
    await watchDocuments({
      directory: config.POLICY_DOCUMENTS_DIR,
      everyMs: WATCH_EVERY_MS,
      clock,
      log,
      apply: (file, occasion) => applyFile(changing, file, occasion),
      onRejected,
    }),
  );

  let isReady = false;
  const ops = starting.use(
    await startOpsServer({ host, port: config.POLICY_OPS_PORT, setting: "POLICY_OPS_PORT" }, registry, () => isReady),
  );

  const deciding = {
    snapshots: changing.snapshots,
    metrics,
    wall: () => clock.wall(),
    ownIssuer: config.AUTH_ISSUER,
  };
  const grpc = starting.use(
    await startGrpcServer(
      { host, port: config.POLICY_GRPC_PORT, setting: "POLICY_GRPC_PORT" },
      [[DecisionServiceService, createDecisionService(deciding, log), decisionCallers]],
      security,
    ),
  );

  const withdrawn = starting.use(await followWithdrawnKeys(nats, log));
  const authorizing = await createAuthorizing(nats, config, changing.snapshots, withdrawn);
  const api = createJsonApi({ maxBodyBytes: MAX_BODY_BYTES, allowedOrigins: config.POLICY_ALLOWED_ORIGINS }, log);
  addTenantRoutes(api, authorizing, changing);
  addPolicyRoutes(api, authorizing, changing, rejections);
  addSubjectRoutes(api, authorizing, changing);
  addCheckRoute(api, authorizing, changing.snapshots, metrics);
  const server = createApiServer(api);
  const http = await listen(server, { host, port: config.POLICY_HTTP_PORT, setting: "POLICY_HTTP_PORT" });
  starting.defer(() => closeServer(server, CLOSE_GRACE_MS));

  const setReady = (ready: boolean): void => {
    isReady = ready;
    grpc.setServing(ready);
  };
  starting.defer(() => setReady(false));
  setReady(true);
  log.info({ http, grpc: grpc.port, ops: ops.port }, "ready");
  return starting.move();
}

async function openPolicies(nats: NatsConnection, config: PolicyConfig, metrics: PolicyMetrics, log: Logger) {
  const store = await openPolicyKv(nats, config.NATS_REPLICAS, log);
  const logs = await openTenantLogs(nats, {
    maxBytes: config.POLICY_HISTORY_MAX_BYTES,
    maxAgeMs: config.POLICY_HISTORY_MAX_AGE_SECONDS * 1_000,
    replicas: config.NATS_REPLICAS,
  });
  const snapshots = new Snapshots(store, ({ document: { tenant }, version }) =>
    metrics.snapshotVersion.set({ tenant }, version.number),
  );
  const onChanged: PolicyChanging["onChanged"] = (kind) => metrics.changes.inc({ kind });
  return { store, changing: { store, logs, snapshots, clock, onChanged } };
}

async function createAuthorizing(
  nats: NatsConnection,
  config: PolicyConfig,
  snapshots: Snapshots,
  withdrawn: WithdrawnKeys,
): Promise<Authorizing> {
  const keys = withoutWithdrawn(remoteKeys(config.AUTH_JWKS_URL), withdrawn);
  const expected = { issuer: config.AUTH_ISSUER, audience: config.AUTH_AUDIENCE };
  return {
    operatorToken: config.POLICY_OPERATOR_TOKEN,
    verify: (token) => verifyAccessToken(token, keys, expected),
    revocations: await openRevocationsKv(nats),
    snapshots,
    wall: () => clock.wall(),
    ownIssuer: config.AUTH_ISSUER,
  };
}

/**
 * Every tenant's log is as it must be, and says what the store says, before anything is served.
 * @throws {BootError} when one is not. A stored policy that is broken holds up nobody but its tenant.
 */
async function checkTenants(changing: PolicyChanging, log: Logger): Promise<void> {
  try {
    const tenants = new Set([...(await changing.store.tenants()), ...(await changing.logs.tenants())]);
    for (const tenant of tenants) {
      await changing.logs.ensure(tenant);
      await ensureAnnounced(changing, tenant).catch((error: unknown) => {
        if (error instanceof AppError) throw error;
        log.error({ err: error, tenant }, "the stored policy of a tenant cannot be used");
      });
    }
  } catch (error) {
    throw error instanceof AppError ? new BootError(error.message) : error;
  }
}

/** Keeps up with the changes of other processes, and the logs with the store, until disposed. */
function followPolicies(store: WatchedPolicyStore, changing: PolicyChanging, log: Logger): AsyncDisposable {
  const stop = new AbortController();
  const adopt = (tenant: string, policy: StoredPolicy): void => void changing.snapshots.adopt(tenant, policy);
  const following = store.follow(adopt, stop.signal);
  const announcing = keepAnnounced(changing, { everyMs: CHECK_ANNOUNCED_EVERY_MS, stop: stop.signal, log });
  const ending = endBindings(changing, { everyMs: END_BINDINGS_EVERY_MS, stop: stop.signal, log });
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.all([following, announcing, ending]);
    },
  };
}
