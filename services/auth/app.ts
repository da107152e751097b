import { type ReadinessChecks, watchReadiness } from "#shared/lifecycle/readiness.ts";
import { createLogCheck } from "#shared/nats/check-log.ts";
import { closeTogether } from "#shared/lifecycle/close-together.ts";
import type { RunningService } from "#shared/lifecycle/run-service.ts";
import { VERSION } from "#shared/lifecycle/version.ts";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Redis } from "ioredis";
import type { Registry } from "prom-client";
import type { Hono } from "hono";
import { within } from "#shared/async/within.ts";
import { CLOCK_LEEWAY_SECONDS } from "#shared/tokens/access-token.ts";
import { verifyAccessToken } from "#shared/tokens/verify-access-token.ts";
import { type GrpcSecurity, openGrpcSecurity } from "#shared/grpc/grpc-security.ts";
import { traceGrpc } from "#shared/grpc/trace-calls.ts";
import { startGrpcServer } from "#shared/grpc/start-server.ts";
import { createApiServer } from "#shared/http/json-api.ts";
import { closeServer, listen } from "#shared/http/listen.ts";
import { type ServiceSockets, openSockets } from "#shared/http/open-sockets.ts";
import { type OpsAddress, startOpsServer } from "#shared/http/ops-server.ts";
import { openOperatorTokens } from "#shared/http/operator-tokens.ts";
import { createLogger, type Logger } from "#shared/log/create-logger.ts";
import { type LimitedLog, limitLines } from "#shared/log/limit-lines.ts";
import { createMetricsRegistry } from "#shared/metrics/registry.ts";
import { connectNats, drainNats } from "#shared/nats/connect-nats.ts";
import type { JetStreamManager, StreamInfo } from "@nats-io/jetstream";
import { AUTH_STREAMS } from "#shared/contract/home.ts";
import { awaitSeat, type HeldSeat } from "#shared/nats/home/await-seat.ts";
import { followMirrors, namedStreams } from "#shared/nats/mirrors/follow-mirrors.ts";
import { createMirrorMetrics } from "#shared/nats/mirrors/mirror-metrics.ts";
import { openTracer } from "#shared/trace/open-tracer.ts";
import { systemClock as clock } from "#shared/time/clock.ts";
import { type TlsFiles, tlsFilesOf } from "#shared/tls/tls-material.ts";
import { type AuthConfig, clientTlsFiles, MAX_ACCESS_TOKEN_SECONDS } from "./config.ts";
import { createPermissionCheck } from "./clients/permission-check.ts";
import { createSessionService } from "./grpc/session-service.ts";
import { createAuthApi } from "./http/api.ts";
import { startTlsApi } from "./http/client-certificate.ts";
import { readEncryptionKey } from "./keys/encryption-key.ts";
import { type FollowedKeyRing, MAX_UNHEARD_MS, openKeyRing } from "./keys/follow-key-ring.ts";
import { addKeyMetrics } from "./keys/key-metrics.ts";
import { openKeyRingStore } from "./keys/key-ring-kv.ts";
import { createSealer } from "./keys/seal.ts";
import { addActiveSessions, type AuthMetrics, createAuthMetrics } from "./metrics.ts";
import { createAuditReader } from "./bus/audit-reader.ts";
import { openAuditTrail } from "./bus/open-audit-trail.ts";
import { createRevocationAnnouncer } from "./bus/announce-revocation.ts";
import { connectRedis } from "./sessions/connect-redis.ts";
import { createClientAuthentication } from "./sessions/issue-client-token.ts";
import { createLoginThrottle } from "./sessions/login-throttle-redis.ts";
import { openRevocations } from "./sessions/revocations-kv.ts";
import { createSessionRevoker } from "./sessions/revoke-session.ts";
import { createSessionWays } from "./sessions/session-ways.ts";
import { createSessionStore } from "./sessions/session-store-redis.ts";
import { createClientManagement } from "./sessions/manage-clients.ts";
import { createTenantEnding } from "./sessions/end-tenant.ts";
import { openTenantStandings } from "./sessions/tenant-standings-kv.ts";
import { watchRedis } from "./sessions/watch-redis.ts";
import { createTokenIssuer } from "./tokens/issue-tokens.ts";
import { createChangeAnnouncer } from "./bus/announce-change.ts";
import { createUserChangeSteps } from "./sessions/user-change-steps.ts";
import type { FindSubject } from "./users/user-directory.ts";
import { joinClients } from "./users/join-clients.ts";
import { readSubjects } from "./users/read-subjects.ts";
import { openStoredClients } from "./users/stored-clients.ts";
import { openStoredClientsStore } from "./users/stored-clients-kv.ts";
import type { VerifyAccount } from "./users/verify-account.ts";
import { watchUsers } from "./users/watch-users.ts";

/** How long requests and calls under way may take to end; all servers close at the same time. */
const CLOSE_GRACE_MS = 1_000;

/** A step of a change of users may be waiting for a silent server. */
const WATCH_GRACE_MS = 200;

/** How much longer a retired key is published than a token lives: other clocks, and processes that hear of it late. */
const KEEP_MARGIN_MS = 2 * CLOCK_LEEWAY_SECONDS * 1000 + MAX_UNHEARD_MS;

/** How often the users' file is looked at. */
const WATCH_MS = 1_000;

/** Starts auth; disposing it closes its parts in the reverse of the order here. */
export async function startAuth(config: AuthConfig): Promise<RunningService> {
  await using starting = new AsyncDisposableStack();
  const log = createLogger("auth", config.LOG_LEVEL, config.LOG_FORMAT);
  const requestLog = starting.use(limitLines(log));
  const encryptionKey = await readEncryptionKey(config);
  const subjects = await readSubjects(config.AUTH_USERS_FILE, config.AUTH_CLIENTS_FILE);
  const tlsFiles = tlsFilesOf(config, clientTlsFiles, ["AUTH_TLS_PORT"]);
  const { users, fileClients, verifyAccount } = subjects;
  const [accessTokenSeconds, sessionSeconds] = [config.AUTH_ACCESS_TOKEN_SECONDS, config.AUTH_SESSION_SECONDS];

  const registry = createMetricsRegistry();
  const tracer = starting.use(await openTracer("auth", config, { registry, log }));
  const grpc = await openGrpcSecurity(config, "auth.sluice", log, config.AUTH_GRPC_BIND_ADDRESS);
  const security = starting.use(traceGrpc(grpc, tracer));
  const nats = starting.adopt(await connectNats(config, "auth", log), drainNats);
  const { ended } = starting.use(await awaitHome(nats, config, { registry, log }));
  const redis = starting.adopt(await connectRedis(config), (client) => client.disconnect());
  const redisWatch = starting.use(watchRedis(redis, config, log));
  const keys = starting.use(await openKeys(config, encryptionKey, nats, log));
  keys.follow();
  const revocations = await openRevocations(nats, { replicas: config.NATS_REPLICAS, sessionMs: sessionSeconds * 1000 });

  const stored = starting.use(await openClients(config, nats, verifyAccount, requestLog));
  const clients = joinClients(fileClients, stored);
  const findSubject: FindSubject = (tenant, subject) => users.find(tenant, subject) ?? clients.find(tenant, subject);

  const metrics = createAuthMetrics(registry);
  addKeyMetrics(registry, keys, clock);
  const trail = { replicas: config.NATS_REPLICAS, maxBytes: config.AUTH_AUDIT_MAX_BYTES };
  const audit = await openAuditTrail(nats, { ...trail, clock, metrics, registry, log });
  const sessions = openSessions(config, redis, { keys, metrics, registry, log: requestLog });
  const throttle = createLoginThrottle(redis, keys);
  const issueTokens = createTokenIssuer({ keys, ...namesOf(config), accessTokenSeconds, clock });
  const announce = createRevocationAnnouncer(nats);
  const revoke = createSessionRevoker({ revocations, announce, sessions, audit, log: requestLog });
  const kept = { sessions, revocations, users, clients, findSubject, keys };
  const verify = verifyWith(config, keys);
  const acting = { verify, throttle, revoke, issueTokens, audit, clock, log: requestLog };
  const ways = createSessionWays({ ...kept, ...acting, sessionSeconds, accessTokenSeconds });
  const authenticateClient = createClientAuthentication(clients, throttle);
  const announceChange = createChangeAnnouncer(nats);
  const stepsOf = createUserChangeSteps({ announce: announceChange, sessions, revoke, audit });
  const onRejected = (): void => metrics.usersFileRejections.inc();
  endInTime(starting, watchUsers({ ...subjects, everyMs: WATCH_MS, stepsOf, onRejected, log }));
  const { check: checkPermission } = starting.use(
    createPermissionCheck(config.POLICY_GRPC_URL, security.channelTo("policy.sluice")),
  );

  const standings = await openTenantStandings(nats);
  const removeClients = (tenant: string) => stored.removeAll(tenant);
  const tenants = createTenantEnding({ ...revocations, standings, removeClients, clock });
  const management = createClientManagement({ ...kept, ...acting, stored, standings, announce: announceChange });
  const operators = starting.use(await openOperatorTokens(config, log));
  const sessionService = createSessionService({ ...ways, findSubject, tenants, metrics, clock, log: requestLog });
  const asked = { checkPermission, operators, management, fileClients, takesCertificates: tlsFiles !== undefined };
  const doors = { tracer, revoke, authenticateClient, ...asked, metrics, log: requestLog };
  const readAudit = createAuditReader(nats, encryptionKey);
  const api = createAuthApi(config, { ...kept, verify, ...ways, ...doors, readAudit });
  const checks = { redis_unusable: () => redisWatch.fault, log_unusable: createLogCheck(nats) };
  const sockets = openSockets(["http", "grpc"], { registry, log: requestLog });
  await startServers(config, starting, { registry, sessionService, security, sockets, api, tlsFiles, checks, log });
  return Object.assign(starting.move(), { ended });
}

/** Waits until the home's seat is here; the mirrors of auth's own streams are kept until then. */
function awaitHome(
  nats: NatsConnection,
  config: AuthConfig,
  { registry, log }: { readonly registry: Registry; readonly log: Logger },
): Promise<HeldSeat> {
  const [place, metrics] = [{ replicas: config.NATS_REPLICAS }, createMirrorMetrics(registry)];
  return awaitSeat({
    nats,
    config,
    ownStream: AUTH_STREAMS[0],
    openOps: (reasons) => startOpsServer(opsAddressOf(config), { service: "auth", config, metrics: registry, reasons }),
    keepMirrors: (regions) =>
      followMirrors({ nats, place: { ...place, ...regions }, streams: authStreams, metrics, log }),
    log,
  });
}

function authStreams(manager: JetStreamManager): AsyncGenerator<StreamInfo> {
  return namedStreams(manager, AUTH_STREAMS);
}

function opsAddressOf({ AUTH_OPS_BIND_ADDRESS: host, AUTH_OPS_PORT: port, ...config }: AuthConfig): OpsAddress {
  return { host, port, setting: "AUTH_OPS_PORT", hosts: config.AUTH_OPS_ALLOWED_HOSTS };
}

/** The clients that were made at run time. */
async function openClients(config: AuthConfig, nats: NatsConnection, verify: VerifyAccount, log: LimitedLog) {
  const store = await openStoredClientsStore(nats, { replicas: config.NATS_REPLICAS, log });
  return openStoredClients({ store, verify, clock, log });
}

function endInTime(starting: AsyncDisposableStack, watch: AsyncDisposable): void {
  starting.defer(async () => {
    await within(WATCH_GRACE_MS, watch[Symbol.asyncDispose]());
  });
}

interface SessionParts {
  readonly keys: FollowedKeyRing;
  readonly metrics: AuthMetrics;
  readonly registry: Registry;
  readonly log: LimitedLog;
}

function openSessions(config: AuthConfig, redis: Redis, { keys, metrics, registry, log }: SessionParts) {
  const onForged = (sid: string): void => {
    metrics.sessionRecordsForged.inc();
    log.write(
      "error",
      "forged",
      { sid },
      "somebody has changed a session's record in Redis: the session counts as none",
    );
  };
  const idleMs = config.AUTH_SESSION_IDLE_SECONDS * 1000;
  const sessions = createSessionStore(redis, { idleMs, clock, keys, onForged });
  addActiveSessions(registry, () => sessions.count());
  return sessions;
}

/** Opens the ports; auth is ready once all of them are. */
async function startServers(
  config: AuthConfig,
  starting: AsyncDisposableStack,
  { registry, sessionService, security, sockets, api, tlsFiles: files, checks, log }: ServerDeps,
): Promise<void> {
  type Setting = "AUTH_GRPC_PORT" | "AUTH_HTTP_PORT" | "AUTH_TLS_PORT";
  const at = (setting: Setting, host = config.AUTH_BIND_ADDRESS) => ({ host, port: config[setting] ?? 0, setting });
  let isReady = false;
  const { reasons } = starting.use(watchReadiness(checks, log, { isServing: () => isReady }));
  const answers = { service: "auth", config, metrics: registry, reasons };
  const ops = starting.use(await startOpsServer(opsAddressOf(config), answers));
  const closeWithOthers = closeTogether(starting, CLOSE_GRACE_MS + 200);
  const grpcAddress = at("AUTH_GRPC_PORT", config.AUTH_GRPC_BIND_ADDRESS);
  const grpc = await startGrpcServer(grpcAddress, [sessionService], security, sockets.grpc);
  closeWithOthers(async () => grpc[Symbol.asyncDispose]());
  const server = createApiServer(api, sockets.http);
  const http = await listen(server, at("AUTH_HTTP_PORT"));
  closeWithOthers(() => closeServer(server, CLOSE_GRACE_MS));
  const address = at("AUTH_TLS_PORT");
  const tls =
    files && (await startTlsApi(api, { files, address, sockets: sockets.http, graceMs: CLOSE_GRACE_MS, log }));
  if (tls !== undefined) closeWithOthers(async () => tls[Symbol.asyncDispose]());
  const setReady = (ready: boolean): void => {
    isReady = ready;
    grpc.setServing(ready);
  };
  starting.defer(() => setReady(false));
  setReady(true);
  log.info({ version: VERSION, http, https: tls?.port, grpc: grpc.port, ops: ops.port }, "ready");
}

interface ServerDeps {
  readonly registry: Registry;
  readonly sessionService: ReturnType<typeof createSessionService>;
  readonly security: GrpcSecurity;
  readonly sockets: ServiceSockets;
  readonly api: Hono;
  readonly tlsFiles: TlsFiles | undefined;
  readonly checks: ReadinessChecks;
  readonly log: Logger;
}

async function openKeys(
  config: AuthConfig,
  encryptionKey: Uint8Array,
  nats: NatsConnection,
  log: Logger,
): Promise<FollowedKeyRing> {
  return openKeyRing({
    store: await openKeyRingStore(nats, { replicas: config.NATS_REPLICAS }),
    sealer: createSealer(encryptionKey),
    plan: {
      algorithm: config.AUTH_SIGNING_ALGORITHM,
      rotationMs: config.AUTH_KEY_ROTATION_SECONDS * 1000,
      publishMs: config.AUTH_KEY_PUBLISH_SECONDS * 1000,
      // Not the life that is set: it may have been longer when the key signed.
      keepMs: MAX_ACCESS_TOKEN_SECONDS * 1000 + KEEP_MARGIN_MS,
    },
    clock,
    log,
    isDemo: config.SLUICE_DEMO === "1",
  });
}

/** Checks auth's own access tokens. */
function verifyWith(config: AuthConfig, keys: Pick<FollowedKeyRing, "published">) {
  return (token: string) => verifyAccessToken(token, keys.published, namesOf(config));
}

function namesOf({ AUTH_ISSUER: issuer, AUTH_AUDIENCE: audience }: AuthConfig) {
  return { issuer, audience };
}
