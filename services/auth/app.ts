import { closeTogether } from "#shared/lifecycle/close-together.ts";
import { VERSION } from "#shared/lifecycle/version.ts";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Redis } from "ioredis";
import type { Registry } from "prom-client";
import type { Hono } from "hono";
import { within } from "#shared/async/within.ts";
import { CLOCK_LEEWAY_SECONDS } from "#shared/tokens/access-token.ts";
import { verifyAccessToken } from "#shared/tokens/verify-access-token.ts";
import { type GrpcSecurity, openGrpcSecurity } from "#shared/grpc/grpc-security.ts";
import { startGrpcServer } from "#shared/grpc/start-server.ts";
import { createApiServer, createJsonApi } from "#shared/http/json-api.ts";
import { closeServer, listen } from "#shared/http/listen.ts";
import { startOpsServer } from "#shared/http/ops-server.ts";
import { createLogger, type Logger } from "#shared/log/create-logger.ts";
import { limitLines } from "#shared/log/limit-lines.ts";
import { createMetricsRegistry } from "#shared/metrics/registry.ts";
import { openAudit } from "#shared/nats/append-audit.ts";
import { connectNats, drainNats } from "#shared/nats/connect-nats.ts";
import { systemClock as clock } from "#shared/time/clock.ts";
import { type TlsFiles, tlsFilesOf } from "#shared/tls/tls-material.ts";
import type { AuditEntry } from "./audit/audit.ts";
import { type AuthConfig, clientTlsFiles, MAX_ACCESS_TOKEN_SECONDS } from "./config.ts";
import { createPermissionCheck } from "./clients/permission-check.ts";
import { createSessionService } from "./grpc/session-service.ts";
import { addAuthRoutes } from "./http/auth-routes.ts";
import { createCallerAuthentication, createCallerIdentification } from "./http/authenticate-caller.ts";
import { startTlsApi } from "./http/client-certificate.ts";
import { addOAuthRoutes } from "./http/oauth-routes.ts";
import { addSessionRoutes } from "./http/session-routes.ts";
import { readEncryptionKey } from "./keys/encryption-key.ts";
import { type FollowedKeyRing, MAX_UNHEARD_MS, openKeyRing } from "./keys/follow-key-ring.ts";
import { addKeyMetrics } from "./keys/key-metrics.ts";
import { openKeyRingStore } from "./keys/key-ring-kv.ts";
import { createSealer } from "./keys/seal.ts";
import { addActiveSessions, type AuthMetrics, createAuthMetrics } from "./metrics.ts";
import { createRevocationAnnouncer } from "./bus/announce-revocation.ts";
import { createSessionCheck } from "./sessions/check-sessions.ts";
import { connectRedis } from "./sessions/connect-redis.ts";
import { createClientAuthentication, createClientTokenIssuer } from "./sessions/issue-client-token.ts";
import { createLogIn } from "./sessions/log-in.ts";
import { createLoginThrottle } from "./sessions/login-throttle-redis.ts";
import { createRefreshSession } from "./sessions/refresh-session.ts";
import { openRevocations } from "./sessions/revocations-kv.ts";
import { createAccessRenewal } from "./sessions/renew-access.ts";
import { createSessionRevoker } from "./sessions/revoke-session.ts";
import { createSessionStore } from "./sessions/session-store-redis.ts";
import { watchRedis } from "./sessions/watch-redis.ts";
import { createTokenSearch } from "./sessions/find-token.ts";
import { createTokenIssuer } from "./tokens/issue-tokens.ts";
import { parseRefreshToken as parseWith } from "./tokens/refresh-token.ts";
import { createChangeAnnouncer } from "./bus/announce-change.ts";
import { readClientDirectory } from "./users/client-directory.ts";
import { createUserChangeSteps } from "./sessions/user-change-steps.ts";
import { createUserDirectory, type FindSubject, readAccounts } from "./users/user-directory.ts";
import { createAccountVerifier } from "./users/verify-account.ts";
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
export async function startAuth(config: AuthConfig): Promise<AsyncDisposable> {
  await using starting = new AsyncDisposableStack();
  const log = createLogger("auth", config.LOG_LEVEL);
  const encryptionKey = await readEncryptionKey(config);
  const subjects = await readSubjects(config);
  const tlsFiles = tlsFilesOf(config, clientTlsFiles, ["AUTH_TLS_PORT"]);
  const { users, clients, findSubject } = subjects;
  const replicas = config.NATS_REPLICAS;
  const [issuer, audience] = [config.AUTH_ISSUER, config.AUTH_AUDIENCE];
  const [accessTokenSeconds, sessionSeconds] = [config.AUTH_ACCESS_TOKEN_SECONDS, config.AUTH_SESSION_SECONDS];

  const security = starting.use(await openGrpcSecurity(config, "auth.sluice", log));
  const redis = starting.adopt(await connectRedis(config), (client) => client.disconnect());
  const redisWatch = starting.use(watchRedis(redis, config, log));
  const nats = starting.adopt(await connectNats(config, "auth", log), drainNats);
  const keys = starting.use(await openKeys(config, encryptionKey, nats, log));
  keys.follow();
  const revocations = await openRevocations(nats, { replicas, sessionMs: sessionSeconds * 1000 });

  const registry = createMetricsRegistry();
  const metrics = createAuthMetrics(registry);
  addKeyMetrics(registry, keys, clock);
  const onLost = (): void => metrics.auditEntriesLost.inc();
  const audit = await openAudit<AuditEntry>(nats, { replicas, clock, log, onLost });
  const sessions = openSessions(config, redis, { keys, metrics, registry, log });
  const throttle = createLoginThrottle(redis);
  const issueTokens = createTokenIssuer({ keys, issuer, audience, accessTokenSeconds, clock });
  const announce = createRevocationAnnouncer(nats);
  const revoke = createSessionRevoker({ revocations, announce, sessions, audit, log });
  const logIn = createLogIn({ throttle, users, sessions, revocations, issueTokens, audit, sessionSeconds, clock });
  const refresh = createRefreshSession({ sessions, revocations, findSubject, revoke, issueTokens, audit, log });
  const checkSessions = createSessionCheck({ revocations, sessions, findSubject, accessTokenSeconds, clock });
  const life = { accessTokenSeconds, clock };
  const renewAccess = createAccessRenewal({
    ...life,
    sessions,
    revocations,
    findSubject,
    revoke,
    issueTokens,
    keys,
    audit,
    log,
  });
  const authenticateClient = createClientAuthentication(clients, throttle);
  const issueClientToken = createClientTokenIssuer({ sessions, issueTokens, audit, accessTokenSeconds, clock });
  const stepsOf = createUserChangeSteps({ announce: createChangeAnnouncer(nats), sessions, revoke, audit });
  const onRejected = (): void => metrics.usersFileRejections.inc();
  endInTime(starting, watchUsers({ ...subjects, everyMs: WATCH_MS, stepsOf, onRejected, log }));
  const { check: checkPermission } = starting.use(
    createPermissionCheck(config.POLICY_GRPC_URL, security.channelTo("policy.sluice")),
  );

  const said = { checkSessions, findSubject, renewAccess, tenantEnds: revocations.tenantEnds, metrics, clock, log };
  const sessionService = createSessionService(said);
  const takesCertificates = tlsFiles !== undefined;
  const ways = { takesCertificates, logIn, refresh, revoke, authenticateClient, issueClientToken, checkPermission };
  const requestLog = starting.use(limitLines(log));
  const api = createApi(config, { ...ways, keys, sessions, revocations, findSubject, metrics, log: requestLog });
  const isUsable = (): boolean => redisWatch.fault === undefined;
  await startServers(config, starting, { registry, sessionService, security, api, tlsFiles, isUsable, log });
  return starting.move();
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
  readonly log: Logger;
}

function openSessions(config: AuthConfig, redis: Redis, { keys, metrics, registry, log }: SessionParts) {
  const onForged = (sid: string): void => {
    metrics.sessionRecordsForged.inc();
    log.error({ sid }, "somebody has changed a session's record in Redis: the session counts as none");
  };
  const sessions = createSessionStore(redis, {
    idleMs: config.AUTH_SESSION_IDLE_SECONDS * 1000,
    clock,
    keys,
    onForged,
  });
  addActiveSessions(registry, () => sessions.count());
  return sessions;
}

/** Opens the ports; auth is ready once all of them are. */
async function startServers(
  config: AuthConfig,
  starting: AsyncDisposableStack,
  { registry, sessionService, security, api, tlsFiles: files, isUsable, log }: ServerDeps,
): Promise<void> {
  type Setting = "AUTH_OPS_PORT" | "AUTH_GRPC_PORT" | "AUTH_HTTP_PORT" | "AUTH_TLS_PORT";
  const at = (setting: Setting) => ({ host: config.AUTH_BIND_ADDRESS, port: config[setting] ?? 0, setting });
  let isReady = false;
  const ops = starting.use(await startOpsServer(at("AUTH_OPS_PORT"), registry, () => isReady && isUsable()));
  const closeWithOthers = closeTogether(starting, CLOSE_GRACE_MS + 200);
  const grpc = await startGrpcServer(at("AUTH_GRPC_PORT"), [sessionService], security);
  closeWithOthers(async () => grpc[Symbol.asyncDispose]());
  const server = createApiServer(api);
  const http = await listen(server, at("AUTH_HTTP_PORT"));
  closeWithOthers(() => closeServer(server, CLOSE_GRACE_MS));
  const address = at("AUTH_TLS_PORT");
  const tls = files && (await startTlsApi(api, { files, address, graceMs: CLOSE_GRACE_MS, log }));
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
  readonly api: Hono;
  readonly tlsFiles: TlsFiles | undefined;
  /** Whether sessions can be written. */
  readonly isUsable: () => boolean;
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

type RouteDeps = Parameters<typeof addAuthRoutes>[1] &
  Parameters<typeof addSessionRoutes>[1] &
  Parameters<typeof addOAuthRoutes>[1];
type MadeHere =
  | "verify"
  | "identify"
  | "authenticate"
  | "parseRefreshToken"
  | "findToken"
  | "allowedOrigins"
  | "trustedProxies";
type ApiDeps = Omit<RouteDeps, MadeHere | "issuer"> & { readonly findSubject: FindSubject };

/** Makes the HTTP API, with all that reads tokens. */
function createApi(config: AuthConfig, parts: ApiDeps): Hono {
  const [issuer, audience] = [config.AUTH_ISSUER, config.AUTH_AUDIENCE];
  const [allowedOrigins, trustedProxies] = [config.AUTH_ALLOWED_ORIGINS, config.AUTH_TRUSTED_PROXIES];
  const verify = (token: string) => verifyAccessToken(token, parts.keys.published, { issuer, audience });
  const parseRefreshToken = (text: string) => parseWith(text, parts.keys.refresh);
  const api = createJsonApi({ maxBodyBytes: 16_384, allowedOrigins }, parts.log);
  addAuthRoutes(api, { ...parts, verify, allowedOrigins, trustedProxies });
  const identify = createCallerIdentification({ verify, allowedOrigins });
  const authenticate = createCallerAuthentication({ ...parts, identify });
  addSessionRoutes(api, { ...parts, identify, authenticate, trustedProxies });
  const findToken = createTokenSearch({ ...parts, verify, parseRefreshToken });
  addOAuthRoutes(api, { ...parts, issuer, parseRefreshToken, findToken, trustedProxies });
  return api;
}

/** Reads the users and service clients; both share the threads that verify their secrets. */
async function readSubjects({ AUTH_USERS_FILE: path, AUTH_CLIENTS_FILE }: AuthConfig) {
  const verifyAccount = createAccountVerifier();
  const clients = await readClientDirectory(AUTH_CLIENTS_FILE, verifyAccount);
  const read = () => readAccounts(path, clients.find);
  const users = createUserDirectory(await read(), verifyAccount);
  const findSubject: FindSubject = (tenant, subject) => users.find(tenant, subject) ?? clients.find(tenant, subject);
  return { path, read, users, clients, findSubject };
}
