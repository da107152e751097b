import type { Context, Hono } from "hono";
import { nameSchema } from "#shared/contract/name-schema.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { singleParameter } from "#shared/http/read-parameter.ts";
import { BY_TOKEN, TOKEN_ERRORS } from "#shared/http/openapi/credentials.ts";
import { describeCall, jsonAnswer } from "#shared/http/openapi/describe-call.ts";
import { readExplicitToken } from "#shared/http/token-source.ts";
import { NAME } from "#shared/protocol/names.ts";
import type { VerifiedClaims } from "#shared/tokens/verified-claims.ts";
import type { CallLimits } from "../admission/call-limits.ts";
import { HEARTBEAT_PROMISE_MS } from "../connections/keep-alive.ts";
import type { Region } from "../regions.ts";
import { MIN_RETRY_MS } from "../sse/retry-delay.ts";
import { MAX_PAD_BYTES, MAX_PRESENCE_TOPICS, MAX_TOPICS, MAX_WAIT_SECONDS } from "../subscription/stream-parameters.ts";
import { addressOfCall } from "./caller-address.ts";
import { capabilitiesSchema } from "./edge-answers.ts";
import { knownAsker, type OfferingEdge } from "./offer-transports.ts";
import { type CallerReading, readCaller } from "./read-caller.ts";
import { TRANSPORTS_HEADER } from "./stream-headers.ts";

const CAPABILITIES = describeCall({
  id: "getCapabilities",
  tag: "Streams",
  summary: "Says by which transports a stream may come, and its limits; with a token, those of that person",
  by: ["nothing", ...BY_TOKEN],
  query: { client: nameSchema.describe("The client that will open the stream.") },
  answers: {
    200: jsonAnswer("What the edge offers.", capabilitiesSchema, {
      "X-Sluice-Transports": "The transports that are on for the caller.",
    }),
  },
  errors: [...TOKEN_ERRORS, "too_many_requests"],
  example: { status: 200 },
});

/** The edge, as far as the route uses it. */
export interface CapabilitiesRoute extends CallerReading {
  readonly callLimits: CallLimits;
  readonly eventMaxBytes: number;
  /** Where else a client may go. */
  readonly regions: readonly Region[];
  /** The name of the region that this edge is in; undefined where its bus names none. */
  readonly here: string | undefined;
  readonly edge: OfferingEdge;
}

/**
 * Adds `GET /v1/capabilities`: what the edge offers a client before it opens a stream; with a token, what it offers that person, as far as
 * this worker knows of their tenant. Nobody else is asked.
 */
export function addCapabilitiesRoute(api: Hono, route: CapabilitiesRoute): void {
  api.get("/v1/capabilities", CAPABILITIES, async (c) => {
    route.callLimits.admitAddress(addressOfCall(c, route.trusted));
    const client = clientIn(c);
    const claims = hasToken(route, c) ? await readCaller(route, c, "stream") : undefined;
    const limits = claims && admitCaller(route, claims);
    const transports = route.edge.transports.offeredTo(knownAsker(route.edge, claims, client));
    c.header(TRANSPORTS_HEADER, transports.join(", "));
    return c.json({
      transports,
      heartbeatMs: HEARTBEAT_PROMISE_MS,
      retryMs: { min: MIN_RETRY_MS },
      limits: {
        topicsPerStream: Math.min(MAX_TOPICS, limits?.topicsPerStream ?? MAX_TOPICS),
        presenceTopicsPerStream: MAX_PRESENCE_TOPICS,
        eventMaxBytes: route.eventMaxBytes,
        padMaxBytes: MAX_PAD_BYTES,
      },
      pollWaitMaxSeconds: MAX_WAIT_SECONDS,
      regions: route.regions.map((region) => ({ ...region, ...(region.name === route.here && { here: true }) })),
    });
  });
}

function clientIn(c: Context): string | undefined {
  const client = singleParameter(c, "client");
  if (client === undefined || NAME.test(client)) return client;
  throw new AppError("malformed_request", '"client" must be 1 to 64 of the characters A-Z a-z 0-9 _ -');
}

function hasToken({ cookies }: CapabilitiesRoute, c: Context): boolean {
  const headers = c.req.header();
  const explicit = readExplicitToken({ headers, query: new URL(c.req.url).searchParams });
  return explicit !== undefined || cookies.read(headers).access.length > 0;
}

function admitCaller({ edge, callLimits }: CapabilitiesRoute, { tenant_id: tenant, sub }: VerifiedClaims) {
  const limits = edge.hub.tenant(tenant)?.decisions.limits;
  callLimits.admitSubject(tenant, sub, limits?.callsPerSubjectPerMinute);
  return limits;
}
