import type { Server } from "node:http";
import type { SocketBudget } from "#shared/http/socket-budget.ts";
import { createTokenCookies } from "#shared/http/token-cookies.ts";
import { openTokenVerifier, type TokenVerifier } from "#shared/tokens/token-verifier.ts";
import { createForwardEvents } from "../bus/forward-events.ts";
import type { StreamConfig } from "../config.ts";
import { createEdgeApi } from "../http/api.ts";
import { loadDemoPage } from "../http/demo-page.ts";
import { createEdgeServer } from "../http/edge-server.ts";
import type { StreamRoute } from "../http/stream-route.ts";
import type { ClientHealth } from "../observe/client-health.ts";
import { type ClientReport, observeClients } from "../observe/client-reports.ts";
import type { EdgeParts } from "./edge-parts.ts";
import type { RunningEdge } from "./open-edge.ts";

/** Opens the verifier of the tokens that callers bring, until the stack ends it. */
export async function openVerifier(
  { config, log, registry }: EdgeParts,
  stack: AsyncDisposableStack,
  edge: RunningEdge,
): Promise<TokenVerifier> {
  const verifier = await openTokenVerifier(config, {
    withdrawn: { has: edge.isWithdrawn },
    time: edge,
    log,
    registry,
    onVerified: (cached, seconds) => edge.observer.tokenVerified(cached, seconds),
  });
  return stack.use(verifier);
}

/** Creates the public HTTP server of an edge; not yet listening. */
export async function createServer(
  { config, nats, registry, requestLog, tracer }: EdgeParts,
  {
    edge,
    verifier,
    sockets,
    clients,
  }: {
    readonly edge: RunningEdge;
    readonly verifier: TokenVerifier;
    readonly sockets: SocketBudget;
    readonly clients: ClientHealth;
  },
): Promise<Server> {
  const route = createRoute(config, verifier, edge);
  const demo =
    config.SLUICE_DEMO === "1"
      ? await loadDemoPage({ auth: config.AUTH_HTTP_PORT, policy: config.POLICY_HTTP_PORT, nats: config.NATS_PORT })
      : undefined;
  const forwardEvents = createForwardEvents(nats);
  const count = observeClients(registry);
  const report = (seen: ClientReport): void => {
    count(seen);
    clients.note(seen);
  };
  return createEdgeServer({
    route,
    api: createEdgeApi(
      {
        ...edge,
        ...route,
        edge,
        forwardEvents,
        report,
        eventMaxBytes: config.STREAM_EVENT_MAX_BYTES,
        demo,
      },
      requestLog,
      tracer,
    ),
    speaksProxy: config.STREAM_PROXY_PROTOCOL === "v2",
    sockets,
  });
}

function createRoute(config: StreamConfig, { verify, isOutside }: TokenVerifier, edge: RunningEdge): StreamRoute {
  return {
    edge,
    renew: edge.renew,
    authTime: edge.authTime,
    isOutside,
    verify,
    cookies: createTokenCookies(config),
    allowedOrigins: config.STREAM_ALLOWED_ORIGINS,
    trusted: { proxies: config.STREAM_TRUSTED_PROXIES, header: config.STREAM_FORWARDED_HEADER },
  };
}
