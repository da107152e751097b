import { jetstreamManager } from "@nats-io/jetstream";
import { type ReadinessChecks, watchReadiness } from "#shared/lifecycle/readiness.ts";
import { createLogCheck } from "#shared/nats/check-log.ts";
import { closeTogether } from "#shared/lifecycle/close-together.ts";
import type { RunningService } from "#shared/lifecycle/run-service.ts";
import { VERSION } from "#shared/lifecycle/version.ts";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Hono } from "hono";
import type { Registry } from "prom-client";
import { AuthorizationService } from "#proto/envoy/service/auth/v3/external_auth.ts";
import { DecisionServiceService } from "#proto/policy/v1/decision.ts";
import { openTokenVerifier, type TokenVerifier, type VerifierDeps } from "#shared/tokens/token-verifier.ts";
import { type GrpcSecurity, openGrpcSecurity } from "#shared/grpc/grpc-security.ts";
import { type GrpcService, startGrpcServer } from "#shared/grpc/start-server.ts";
import { traceGrpc } from "#shared/grpc/trace-calls.ts";
import { byForwardedFor, clientAddressOf } from "#shared/http/client-address.ts";
import { createApiServer } from "#shared/http/json-api.ts";
import { createTokenCookies } from "#shared/http/token-cookies.ts";
import { closeServer, listen } from "#shared/http/listen.ts";
import { openSockets, type ServiceSockets } from "#shared/http/open-sockets.ts";
import { type OpsAddress, startOpsServer } from "#shared/http/ops-server.ts";
import { createLogger, type Logger } from "#shared/log/create-logger.ts";
import { limitLines } from "#shared/log/limit-lines.ts";
import { createMetricsRegistry } from "#shared/metrics/registry.ts";
import { connectNats, drainNats } from "#shared/nats/connect-nats.ts";
import { followWithdrawnKeys } from "#shared/nats/withdrawn-keys.ts";
import { SEAT_STREAM } from "#shared/contract/home.ts";
import { awaitSeat, type HeldSeat } from "#shared/nats/home/await-seat.ts";
import { createMirrorMetrics } from "#shared/nats/mirrors/mirror-metrics.ts";
import { openTracer } from "#shared/trace/open-tracer.ts";
import { systemClock as clock } from "#shared/time/clock.ts";
import type { PolicyConfig } from "./config.ts";
import { authorizationCallers, createAuthorizationService } from "./grpc/authorization-service.ts";
import { createDecisionService, decisionCallers } from "./grpc/decision-service.ts";
import { createAccessRenewal } from "./clients/access-renewal.ts";
import { createSessionRights } from "#shared/clients/session-rights.ts";
import { createProcessQuestions } from "./clients/ask-processes.ts";
import { createTenantSessions } from "./clients/tenant-sessions.ts";
import type { AuthorizeDeps, BearerDeps } from "./http/authorize.ts";
import { createPolicyApi } from "./http/api.ts";
import { addConsole } from "./http/console-routes.ts";
import { addDocs } from "./http/docs-routes.ts";
import { openOperatorTokens, type OperatorTokens } from "#shared/http/operator-tokens.ts";
import { createTokenGuesses } from "#shared/http/token-guesses.ts";
import { addHealthRoute } from "./http/health-route.ts";
import { createPolicyMetrics, type PolicyMetrics } from "./metrics.ts";
import { openDocumentCompiler } from "./versions/open-document-compiler.ts";
import type { Snapshots } from "./versions/snapshots.ts";
import { collectParts, type PartCollector } from "./store/collect-parts.ts";
import type { WatchedPolicyStore } from "./store/policy-kv.ts";
import { openTenantEndsKv } from "./store/tenant-ends-kv.ts";
import type { StoredPolicy } from "./versions/stored-policy.ts";
import { fetchJson } from "#shared/tokens/http/fetch-json.ts";
import type { SessionRights } from "#shared/tokens/session-rights.ts";
import { endBindings } from "./tenants/end-bindings.ts";
import { checkTenants } from "./tenants/check-tenants.ts";
import { reconcileTenants } from "./tenants/reconcile-tenants.ts";
import { readTiers } from "./limits/tiers.ts";
import type { TenantDeps } from "./tenants/tenant-deps.ts";
import { FileOrigins } from "./watch/file-origins.ts";
import { watchFiles } from "./watch/watch-files.ts";
import { keepConnectionsShared } from "./bus/share-connections-log.ts";
import { keepStandby } from "./app/keep-standby.ts";
import { openEdges } from "./app/open-edges.ts";
import { openPolicies } from "./app/open-policies.ts";

const CLOSE_GRACE_MS = 1_000;
const RECONCILE_EVERY_MS = 5_000;
const END_BINDINGS_EVERY_MS = 500;
const END_BINDINGS_TOGETHER_MS = 5_000;
const COLLECT_PARTS_EVERY_MS = 300_000;

/** Starts policy; disposing it ends it in the reverse order of what stands here. */
export async function startPolicy(config: PolicyConfig): Promise<RunningService> {
  await using starting = new AsyncDisposableStack();
  const log = createLogger("policy", config.LOG_LEVEL, config.LOG_FORMAT);
  const requestLog = starting.use(limitLines(log));
  const registry = createMetricsRegistry();
  const tiers = await readTiers(config.POLICY_TIERS_FILE);
  const metrics = createMetrics(config, registry);

  const tracer = starting.use(await openTracer("policy", config, { registry, log }));
  const grpc = await openGrpcSecurity(config, "policy.sluice", log, config.POLICY_GRPC_BIND_ADDRESS);
  const security = starting.use(traceGrpc(grpc, tracer));
  const nats = starting.adopt(await connectNats(config, "policy", log), drainNats);
  const { ended } = starting.use(await awaitHome(nats, config, { registry, metrics, log }));
  const auth = security.channelTo("auth.sluice");
  const sessions = starting.use(createTenantSessions(config.AUTH_GRPC_URL, auth));
  const rights = starting.use(createSessionRights(config.AUTH_GRPC_URL, auth));
  const compiler = starting.use(openCompiler(config, metrics));
  const parts = { sessions, compiler, tiers, metrics, log };
  const { store, logs, collector, deps, recorded } = await openPolicies(nats, config, parts);
  starting.use(deps.subscriptions);
  starting.use(await keepConnectionsShared(nats, log));
  await checkTenants(deps, log);
  const origins = new FileOrigins();
  starting.use(followPolicies(store, deps, { collector, origins }, log));
  const files = starting.use(await watchFiles(config.POLICY_DOCUMENTS_DIR, deps, origins, metrics, log));

  const operators = starting.use(await openOperatorTokens(config, log));
  const verifier = await openVerifier(config, nats, { time: rights.time, log, registry }, starting);
  const authorizeDeps = await createAuthorizing(nats, config, deps.snapshots, { rights, verifier, operators });
  const gateway = { ...authorizeDeps, isOutside: verifier.isOutside, ...openGatewayTokens(config, security, starting) };
  const decisionDeps = { ...authorizeDeps, metrics, tiers };
  const running = await openEdges(nats, logs);
  const { onClosed, onInspected, onSubscriptionChanged: onChanged } = recorded;
  const subscriptions = { book: running.records, logs, subscriptions: deps.subscriptions, onChanged };
  const apiDeps = {
    authorizing: authorizeDeps,
    changes: deps,
    files,
    tenants: { usage: logs, tiers },
    reviews: { store, reviewer: compiler, clock },
    checks: { ...rights, snapshots: deps.snapshots, decisions: metrics.decisions },
    connections: { ...running, onClosed },
    subscriptions: { ...subscriptions, ...running, wall: authorizeDeps.wall },
    live: running.live,
    tails: { ...running, ...rights },
    events: { ...authorizeDeps, ...running, ...rights, logs, onInspected },
    explaining: { ...decisionDeps, ...deps, ...running, ...rights, logs },
  };
  const api = createPolicyApi(limitsOf(config), apiDeps, requestLog, tracer);
  addConsole(api, config);
  addDocs(api);
  const services: GrpcService[] = [
    [DecisionServiceService, createDecisionService(decisionDeps, requestLog), decisionCallers],
    [AuthorizationService, createAuthorizationService(gateway, metrics, requestLog), authorizationCallers],
  ];
  const checks = { ...verifier.checks, log_unusable: createLogCheck(nats), documents_unreadable: () => files.fault };
  const sockets = openSockets(["http", "grpc"], { registry, log: requestLog });
  const served = { registry, services, security, sockets, api, authorize: authorizeDeps, checks, log };
  await startServers(config, starting, served);
  for (const each of [running.tails, running.live]) starting.use(each);
  return Object.assign(starting.move(), { ended });
}

/** Waits until the home's seat is here; the mirrors are kept until then. */
function awaitHome(
  nats: NatsConnection,
  config: PolicyConfig,
  { registry, ...parts }: { readonly registry: Registry; readonly metrics: PolicyMetrics; readonly log: Logger },
): Promise<HeldSeat> {
  const mirrors = createMirrorMetrics(registry);
  return awaitSeat({
    nats,
    config,
    ownStream: SEAT_STREAM,
    openOps: (reasons) =>
      startOpsServer(opsAddressOf(config), { service: "policy", config, metrics: registry, reasons }),
    keepMirrors: (regions) => keepStandby(nats, config, regions, { ...parts, mirrors }),
    log: parts.log,
  });
}

/** Verifies people's tokens, by auth's time. */
async function openVerifier(
  config: PolicyConfig,
  nats: NatsConnection,
  deps: Pick<VerifierDeps, "time" | "log" | "registry">,
  starting: AsyncDisposableStack,
) {
  const jsm = await jetstreamManager(nats, { checkAPI: false });
  const withdrawn = starting.use(await followWithdrawnKeys({ jsm }, deps.log));
  return starting.use(await openTokenVerifier(config, { ...deps, withdrawn }));
}

function limitsOf({ POLICY_ALLOWED_ORIGINS: allowedOrigins, POLICY_TRUSTED_PROXIES: proxies }: PolicyConfig) {
  return { allowedOrigins, trusted: byForwardedFor(proxies) };
}

function createMetrics({ POLICY_METRICS_MAX_TENANTS: maxTenants }: PolicyConfig, registry: Registry): PolicyMetrics {
  return createPolicyMetrics(registry, { maxTenants, now: () => clock.monotonic() });
}

interface ServerDeps {
  readonly registry: Registry;
  readonly services: readonly GrpcService[];
  readonly security: GrpcSecurity;
  readonly sockets: ServiceSockets;
  readonly api: Hono;
  readonly authorize: BearerDeps;
  readonly checks: ReadinessChecks;
  readonly log: Logger;
}

/** Opens the ports; policy is ready once all of them are. */
async function startServers(
  config: PolicyConfig,
  starting: AsyncDisposableStack,
  { registry, services, security, sockets, api, authorize, checks, log }: ServerDeps,
): Promise<void> {
  type Setting = "POLICY_GRPC_PORT" | "POLICY_HTTP_PORT";
  const at = (setting: Setting, host = config.POLICY_BIND_ADDRESS) => ({ host, port: config[setting], setting });
  let isReady = false;
  const { reasons } = starting.use(watchReadiness(checks, log, { isServing: () => isReady }));
  const askOthers = createProcessQuestions(config.POLICY_OPS_URLS, fetchJson);
  addHealthRoute(api, authorize, { reasons, settings: config.bySource, askOthers });
  const answers = { service: "policy", config, metrics: registry, reasons };
  const ops = starting.use(await startOpsServer(opsAddressOf(config), answers));
  const closeWithOthers = closeTogether(starting, CLOSE_GRACE_MS + 200);
  const grpcAddress = at("POLICY_GRPC_PORT", config.POLICY_GRPC_BIND_ADDRESS);
  const grpc = await startGrpcServer(grpcAddress, services, security, sockets.grpc);
  closeWithOthers(async () => grpc[Symbol.asyncDispose]());
  const server = createApiServer(api, sockets.http);
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

function opsAddressOf({ POLICY_OPS_BIND_ADDRESS: host, POLICY_OPS_PORT: port, ...config }: PolicyConfig): OpsAddress {
  return { host, port, setting: "POLICY_OPS_PORT", hosts: config.POLICY_OPS_ALLOWED_HOSTS };
}

function openCompiler({ POLICY_DOCUMENT_DEADLINE_MS: deadlineMs }: PolicyConfig, { compilations }: PolicyMetrics) {
  return openDocumentCompiler({ deadlineMs, onCompiled: (outcome) => compilations.inc({ outcome }) });
}

interface AuthorizingParts {
  readonly rights: SessionRights;
  readonly verifier: TokenVerifier;
  readonly operators: OperatorTokens;
}

async function createAuthorizing(
  nats: NatsConnection,
  config: PolicyConfig,
  snapshots: Snapshots,
  { rights: sessions, verifier: { verify }, operators }: AuthorizingParts,
): Promise<AuthorizeDeps> {
  return {
    operators,
    guesses: createTokenGuesses(),
    addressOf: (c) => clientAddressOf(c, config.POLICY_TRUSTED_PROXIES),
    verify,
    sessions,
    tenantEnds: await openTenantEndsKv(nats),
    snapshots,
    wall: () => clock.wall(),
    ownIssuer: config.AUTH_ISSUER,
  };
}

function openGatewayTokens(config: PolicyConfig, security: GrpcSecurity, starting: AsyncDisposableStack) {
  const { renew } = starting.use(createAccessRenewal(config.AUTH_GRPC_URL, security.channelTo("auth.sluice")));
  return { renew, cookies: createTokenCookies(config), allowedOrigins: config.POLICY_ALLOWED_ORIGINS };
}

/** Keeps up with the changes of other processes, and the logs with the store, until disposed. */
function followPolicies(
  store: WatchedPolicyStore,
  deps: TenantDeps,
  { collector, origins }: { readonly collector: PartCollector; readonly origins: FileOrigins },
  log: Logger,
): AsyncDisposable {
  const stop = new AbortController();
  const adopt = async (tenant: string, policy: StoredPolicy | undefined): Promise<void> => {
    origins.note(tenant, policy);
    if (policy === undefined) deps.snapshots.forget(tenant);
    else await deps.snapshots.adopt(tenant, policy);
  };
  const following = store.follow(adopt, stop.signal);
  const announcing = reconcileTenants(deps, { everyMs: RECONCILE_EVERY_MS, stop: stop.signal, log });
  const ends = { everyMs: END_BINDINGS_EVERY_MS, togetherMs: END_BINDINGS_TOGETHER_MS };
  const ending = endBindings(deps, { ...ends, stop: stop.signal, log });
  const collecting = collectParts(collector, { everyMs: COLLECT_PARTS_EVERY_MS, stop: stop.signal, log });
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.all([following, announcing, ending, collecting]);
    },
  };
}
