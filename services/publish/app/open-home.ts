import type { NatsConnection } from "@nats-io/transport-node";
import type { Registry } from "prom-client";
import { RetryBudget } from "#shared/async/retry-budget.ts";
import { createSessionRights } from "#shared/clients/session-rights.ts";
import { openGrpcSecurity } from "#shared/grpc/grpc-security.ts";
import { traceGrpc } from "#shared/grpc/trace-calls.ts";
import { nameWithin } from "#shared/homes/name-within.ts";
import { createTokenCookies } from "#shared/http/token-cookies.ts";
import type { ReadinessChecks } from "#shared/lifecycle/readiness.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { createLogCheck } from "#shared/nats/check-log.ts";
import { connectNats, drainNats } from "#shared/nats/connect-nats.ts";
import { SEAT_QUESTION, watchSeat } from "#shared/nats/watch-seat.ts";
import { systemClock as clock } from "#shared/time/clock.ts";
import { openTokenVerifier, type TokenVerifier, type VerifierDeps } from "#shared/tokens/token-verifier.ts";
import type { Tracer } from "#shared/trace/tracer.ts";
import { createEventLog } from "../bus/event-log.ts";
import { createReach } from "../bus/reach-of-home.ts";
import { createPublishingRights } from "../clients/publishing-rights.ts";
import type { PublishConfig } from "../config.ts";
import type { PublishMetrics } from "../metrics.ts";
import type { PublishDeps } from "../publish-events.ts";
import type { BodyRoom } from "../quotas/body-room.ts";
import type { Quotas } from "../quotas/quotas.ts";
import { createSchemaCheck } from "../schemas/check-schemas.ts";
import { followSchemas } from "../schemas/follow-schemas.ts";
import type { SchemaPool } from "../schemas/schema-pool.ts";

/** An edge that forwards waits ten seconds for all that there is to do. */
const STORE_MS = 2_500;

/** The user of the bus can write events, and ask JetStream nothing but where its home is written. */
const WRITES_ONLY = { asksJetStream: false };

const now = (): number => clock.monotonic();

/** What the homes of a publisher share. */
export interface SharedParts {
  readonly quotas: Quotas;
  readonly room: BodyRoom;
  readonly pool: SchemaPool;
  readonly metrics: PublishMetrics;
  readonly registry: Registry;
  readonly tracer: Tracer;
}

/** What a home is opened by. The settings are the home's where they say whom it asks and believes. */
export interface HomeParts extends SharedParts {
  /** Undefined for the own home. */
  readonly home: string | undefined;
  readonly config: PublishConfig;
  readonly log: Logger;
}

/** A home whose events are published here. */
export interface OpenHome {
  readonly deps: PublishDeps;
  readonly nats: NatsConnection;
  readonly verifier: TokenVerifier;
  /** What the home's requests need. */
  readonly checks: ReadinessChecks;
}

/** Opens all that the way of a home's events takes, until the stack ends it. */
export async function openHome(parts: HomeParts, stack: AsyncDisposableStack): Promise<OpenHome> {
  const { home, config, registry, log, tracer, quotas, room, metrics } = parts;
  const nats = stack.adopt(await connectNats(config, "publish", log, WRITES_ONLY), drainNats);
  const security = stack.use(traceGrpc(await openGrpcSecurity(config, "publish.sluice", log), tracer));
  const sessions = stack.use(createSessionRights(config.AUTH_GRPC_URL, security.channelTo("auth.sluice")));
  const verifier = stack.use(await openVerifier(config, { time: sessions.time, registry, log }));
  const rights = stack.use(createPublishingRights(config.POLICY_GRPC_URL, security.channelTo("policy.sluice")));
  return {
    nats,
    verifier,
    checks: { ...verifier.checks, log_unusable: createLogCheck(nats, WRITES_ONLY) },
    deps: {
      verify: verifier.verify,
      cookies: createTokenCookies(config),
      allowedOrigins: config.PUBLISH_ALLOWED_ORIGINS,
      sessions,
      askRights: rights.ask,
      checkSchemas: await openSchemaCheck(parts, stack),
      quotas,
      room,
      nameOf: nameWithin(home),
      reach: createReach(stack.use(watchSeat(nats, { now, subject: SEAT_QUESTION }))),
      log: createEventLog({ nats, retries: new RetryBudget(), timeoutMs: STORE_MS, now }),
      limits: { maxEvents: config.PUBLISH_BATCH_MAX_EVENTS, maxEventBytes: config.PUBLISH_EVENT_MAX_BYTES },
      metrics,
      tracer,
      wall: () => clock.wall(),
    },
  };
}

/** Which keys are withdrawn is auth's to say, with each session: the bus tells this service nothing. */
function openVerifier(
  config: PublishConfig,
  deps: Pick<VerifierDeps, "time" | "registry" | "log">,
): Promise<TokenVerifier> {
  return openTokenVerifier(config, { ...deps, withdrawn: { has: () => false } });
}

/** The threads are shared fairly among the tenants of all homes. */
async function openSchemaCheck({ config, pool, registry, log, home }: HomeParts, stack: AsyncDisposableStack) {
  const nameOf = nameWithin(home);
  const schemas = stack.use(await followSchemas(config.PUBLISH_SCHEMAS_DIR, { pool, registry, log }));
  return createSchemaCheck(schemas.find, { run: (tenant, job, limits) => pool.run(nameOf(tenant), job, limits) });
}
