import { regionOf } from "#shared/nats/region-of.ts";
import { createTokenCookies } from "#shared/http/token-cookies.ts";
import { openTokenVerifier, type TokenVerifier } from "#shared/tokens/token-verifier.ts";
import { createForwardEvents } from "../bus/forward-events.ts";
import type { StreamConfig } from "../config.ts";
import { createEdgeApi } from "../http/api.ts";
import type { DemoPage } from "../http/demo-page.ts";
import type { Door, DoorOfIssuer } from "../http/door.ts";
import type { RebindRoute } from "../http/rebind-route.ts";
import { issuerIn } from "#shared/homes/home-of-token.ts";
import type { StreamRoute } from "../http/stream-route.ts";
import type { ClientHealth } from "../observe/client-health.ts";
import type { ClientReport } from "../observe/client-reports.ts";
import type { HomeParts } from "./home-parts.ts";
import type { RunningEdge } from "./open-edge.ts";

/** Opens the verifier of the tokens that callers of a home bring, until the stack ends it. */
export async function openVerifier(
  { config, log, registry }: HomeParts,
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

/** What a door is made with beside the parts of its home. */
export interface DoorDeps {
  readonly edge: RunningEdge;
  readonly verifier: Pick<TokenVerifier, "verify" | "isOutside">;
  readonly clients: ClientHealth;
  /** Undefined outside the demo. */
  readonly demo: DemoPage | undefined;
  /** The doors of other homes, for callers whose token stands in a body. */
  readonly doorOf: DoorOfIssuer;
}

/** Creates the door of a home. */
export function createDoor(
  { config, nats, requestLog, tracer, shared }: HomeParts,
  { edge, verifier, clients, demo, doorOf }: DoorDeps,
): Door {
  const route = createRoute(config, verifier, edge);
  const report = (seen: ClientReport): void => {
    shared.countClient(seen);
    clients.note(seen);
  };
  const doorOfToken = (token: string): Door | undefined => {
    const issuer = issuerIn(token);
    return issuer === undefined ? undefined : doorOf(issuer);
  };
  const routes = {
    ...edge,
    ...route,
    edge,
    forwardEvents: createForwardEvents(nats),
    report,
    eventMaxBytes: config.STREAM_EVENT_MAX_BYTES,
    regions: config.STREAM_REGIONS,
    here: regionOf(nats),
    demo,
    routeOf: (token: string): RebindRoute => doorOfToken(token)?.rebind ?? routes,
  };
  return { route, api: createEdgeApi(routes, requestLog, tracer), rebind: routes };
}

function createRoute(
  config: StreamConfig,
  { verify, isOutside }: DoorDeps["verifier"],
  edge: RunningEdge,
): StreamRoute & { readonly edge: RunningEdge } {
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
