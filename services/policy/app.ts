import { jetstreamManager } from "@nats-io/jetstream";
import { closeTogether } from "#shared/lifecycle/close-together.ts";
import { VERSION } from "#shared/lifecycle/version.ts";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Hono } from "hono";
import type { Registry } from "prom-client";
import { AuthorizationService } from "#proto/envoy/service/auth/v3/external_auth.ts";
import { DecisionServiceService } from "#proto/policy/v1/decision.ts";
import { openTokenVerifier } from "#shared/tokens/token-verifier.ts";
import { type GrpcSecurity, openGrpcSecurity } from "#shared/grpc/grpc-security.ts";
import { type GrpcService, startGrpcServer } from "#shared/grpc/start-server.ts";
import { clientAddressOf } from "#shared/http/client-address.ts";
import { createApiServer, createJsonApi } from "#shared/http/json-api.ts";
import { closeServer, listen } from "#shared/http/listen.ts";
import { startOpsServer } from "#shared/http/ops-server.ts";
import { createLogger, type Logger } from "#shared/log/create-logger.ts";
import { limitLines } from "#shared/log/limit-lines.ts";
import { createMetricsRegistry } from "#shared/metrics/registry.ts";
import { openAudit } from "#shared/nats/append-audit.ts";
import { connectNats, drainNats } from "#shared/nats/connect-nats.ts";
import { followWithdrawnKeys, type WithdrawnKeys } from "#shared/nats/withdrawn-keys.ts";
import { systemClock as clock } from "#shared/time/clock.ts";
import { auditChange, type ChangeEntry } from "./changes/audit-change.ts";
import { openTenantLogs } from "./bus/tenant-logs.ts";
import type { PolicyConfig } from "./config.ts";
import { auditErasure, type ErasureEntry } from "./events/audit-erasure.ts";
import { authorizationCallers, createAuthorizationService } from "./grpc/authorization-service.ts";
import { createDecisionService, decisionCallers } from "./grpc/decision-service.ts";
import { createTenantSessions } from "./clients/tenant-sessions.ts";
import type { AuthorizeDeps } from "./http/authorize.ts";
import { addCheckRoute } from "./http/check-route.ts";
import { addEraseRoute } from "./http/erase-route.ts";
import { addExplainRoutes } from "./http/explain-route.ts";
import { addExportRoutes } from "./http/export-routes.ts";
import { openOperatorToken, type OperatorToken } from "./http/operator-token.ts";
import { addPolicyRoutes } from "./http/policy-routes.ts";
import { addSubjectRoutes } from "./http/subject-routes.ts";
import { addTenantRoutes } from "./http/tenant-routes.ts";
import { createPolicyMetrics, type PolicyMetrics } from "./metrics.ts";
import { Snapshots } from "./versions/snapshots.ts";
import { openPolicyKv, type WatchedPolicyStore } from "./store/policy-kv.ts";
import { openRevocationsKv } from "./store/revocations-kv.ts";
import { shareReads } from "./store/share-reads.ts";
import type { StoredPolicy } from "./versions/stored-policy.ts";
import { openTombstonesKv } from "./store/tombstones-kv.ts";
import { endBindings } from "./tenants/end-bindings.ts";
import { checkTenants } from "./tenants/check-tenants.ts";
import { reconcileTenants } from "./tenants/reconcile-tenants.ts";
import type { TenantDeps, TenantSessions } from "./tenants/tenant-deps.ts";
import { applyFile } from "./watch/apply-file.ts";
import { type DocumentWatch, watchDocuments } from "./watch/watch-documents.ts";

const CLOSE_GRACE_MS = 1_000;
const WATCH_EVERY_MS = 300;
const RECONCILE_EVERY_MS = 5_000;
const END_BINDINGS_EVERY_MS = 500;
const MAX_BODY_BYTES = 1024 * 1024;

/** Starts policy; disposing it ends it in the reverse order of what stands here. */
export async function startPolicy(config: PolicyConfig): Promise<AsyncDisposable> {
  await using starting = new AsyncDisposableStack();
  const log = createLogger("policy", config.LOG_LEVEL);
  const requestLog = starting.use(limitLines(log));
  const registry = createMetricsRegistry();
  const bound = { maxTenants: config.POLICY_METRICS_MAX_TENANTS, now: () => clock.monotonic() };
  const metrics = createPolicyMetrics(registry, bound);

  const security = starting.use(await openGrpcSecurity(config, "policy.sluice", log));
  const nats = starting.adopt(await connectNats(config, "policy", log), drainNats);
  const sessions = starting.use(createTenantSessions(config.AUTH_GRPC_URL, security.channelTo("auth.sluice")));
  const { store, logs, deps } = await openPolicies(nats, config, sessions, metrics, log);
  await checkTenants(deps, log);
  starting.use(followPolicies(store, deps, log));
  const { rejections } = starting.use(await watchFiles(config.POLICY_DOCUMENTS_DIR, deps, metrics, log));

  const withdrawn = starting.use(
    await followWithdrawnKeys({ jsm: await jetstreamManager(nats, { checkAPI: false }) }, log),
  );
  const operator = starting.use(await openOperatorToken(config, log));
  const authorizeDeps = await createAuthorizing(nats, config, deps.snapshots, withdrawn, operator);
  const decisionDeps = { ...authorizeDeps, metrics, allowedOrigins: config.POLICY_ALLOWED_ORIGINS };
  const api = createJsonApi(
    { maxBodyBytes: MAX_BODY_BYTES, allowedOrigins: config.POLICY_ALLOWED_ORIGINS },
    requestLog,
  );
  addTenantRoutes(api, authorizeDeps, deps, logs);
  addPolicyRoutes(api, authorizeDeps, deps, rejections);
  addExportRoutes(api, authorizeDeps, deps);
  addSubjectRoutes(api, authorizeDeps, deps);
  addEraseRoute(api, authorizeDeps, deps);
  addCheckRoute(api, authorizeDeps, deps.snapshots, metrics);
  addExplainRoutes(api, authorizeDeps, { ...decisionDeps, ...deps, logs });
  const services: GrpcService[] = [
    [DecisionServiceService, createDecisionService(decisionDeps, log), decisionCallers],
    [
      AuthorizationService,
      createAuthorizationService(decisionDeps, metrics, { log, requestLog }),
      authorizationCallers,
    ],
  ];
  await startServers(config, starting, { registry, services, security, api, log });
  return starting.move();
}

interface ServerDeps {
  readonly registry: Registry;
  readonly services: readonly GrpcService[];
  readonly security: GrpcSecurity;
  readonly api: Hono;
  readonly log: Logger;
}

/** Opens the ports; policy is ready once all of them are. */
async function startServers(
  config: PolicyConfig,
  starting: AsyncDisposableStack,
  { registry, services, security, api, log }: ServerDeps,
): Promise<void> {
  type Setting = "POLICY_OPS_PORT" | "POLICY_GRPC_PORT" | "POLICY_HTTP_PORT";
  const at = (setting: Setting) => ({ host: config.POLICY_BIND_ADDRESS, port: config[setting], setting });
  let isReady = false;
  const ops = starting.use(await startOpsServer(at("POLICY_OPS_PORT"), registry, () => isReady));
  const closeWithOthers = closeTogether(starting, CLOSE_GRACE_MS + 200);
  const grpc = await startGrpcServer(at("POLICY_GRPC_PORT"), services, security);
  closeWithOthers(async () => grpc[Symbol.asyncDispose]());
  const server = createApiServer(api);
  const http = await listen(server, at("POLICY_HTTP_PORT"));
  closeWithOthers(() => closeServer(server, CLOSE_GRACE_MS));
  const setReady = (ready: boolean): void => {
    isReady = ready;
    grpc.setServing(ready);
  };
  starting.defer(() => setReady(false));
  setReady(true);
  log.info({ version: VERSION, http, grpc: grpc.port, ops: ops.port }, "ready");
}

function watchFiles(
  directory: string,
  deps: TenantDeps,
  { documentsRejected }: PolicyMetrics,
  log: Logger,
): Promise<DocumentWatch> {
  return watchDocuments({
    directory,
    everyMs: WATCH_EVERY_MS,
    clock,
    log,
    apply: (file, occasion) => applyFile(deps, file, occasion),
    onRejected: () => documentsRejected.inc(),
  });
}

async function openPolicies(
  nats: NatsConnection,
  config: PolicyConfig,
  sessions: TenantSessions,
  metrics: PolicyMetrics,
  log: Logger,
) {
  const store = await openPolicyKv(nats, config.NATS_REPLICAS, log);
  const logs = await openTenantLogs(nats, {
    maxBytes: config.POLICY_HISTORY_MAX_BYTES,
    maxAgeMs: config.POLICY_HISTORY_MAX_AGE_SECONDS * 1_000,
    replicas: config.NATS_REPLICAS,
  });
  const snapshots = new Snapshots({ read: shareReads((tenant) => store.read(tenant)) }, (tenant, snapshot) =>
    metrics.snapshotSwapped(tenant, snapshot?.version.number),
  );
  const onLost = (): void => metrics.auditEntriesLost.inc();
  const audit = await openAudit<ChangeEntry | ErasureEntry>(nats, {
    replicas: config.NATS_REPLICAS,
    clock,
    log,
    onLost,
  });
  const onChanged: TenantDeps["onChanged"] = (change) => {
    metrics.changes.inc({ kind: change.kind });
    return auditChange(audit, change);
  };
  const tombstones = await openTombstonesKv(nats, config.NATS_REPLICAS);
  const onErased: TenantDeps["onErased"] = (erasure) => {
    metrics.erasedEvents.inc(erasure.erased ?? 0);
    return auditErasure(audit, erasure);
  };
  return {
    store,
    logs,
    deps: { store, logs, snapshots, tombstones, sessions, seenErasures: new Map(), clock, onChanged, onErased },
  };
}

async function createAuthorizing(
  nats: NatsConnection,
  config: PolicyConfig,
  snapshots: Snapshots,
  withdrawn: WithdrawnKeys,
  operator: OperatorToken,
): Promise<AuthorizeDeps> {
  const time = { authTime: { isKnown: true, now: () => clock.wall() }, askTime: async () => undefined };
  const { verify } = await openTokenVerifier(config, { withdrawn, time });
  return {
    get operatorToken() {
      return operator.value;
    },
    addressOf: (c) => clientAddressOf(c, config.POLICY_TRUSTED_PROXIES),
    verify,
    revocations: await openRevocationsKv(nats),
    snapshots,
    wall: () => clock.wall(),
    ownIssuer: config.AUTH_ISSUER,
  };
}

/** Keeps up with the changes of other processes, and the logs with the store, until disposed. */
function followPolicies(store: WatchedPolicyStore, deps: TenantDeps, log: Logger): AsyncDisposable {
  const stop = new AbortController();
  const adopt = (tenant: string, policy: StoredPolicy | undefined): void => {
    if (policy === undefined) deps.snapshots.forget(tenant);
    else deps.snapshots.adopt(tenant, policy);
  };
  const following = store.follow(adopt, stop.signal);
  const announcing = reconcileTenants(deps, { everyMs: RECONCILE_EVERY_MS, stop: stop.signal, log });
  const ending = endBindings(deps, { everyMs: END_BINDINGS_EVERY_MS, stop: stop.signal, log });
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.all([following, announcing, ending]);
    },
  };
}
