import type { IncomingMessage } from "node:http";
import type { Hono } from "hono";
import { FORWARDED_HEADERS } from "#shared/contract/forwarded-events.ts";
import { describeCall } from "#shared/http/openapi/describe-call.ts";
import { EVENTS_PATH, PUBLISH_CALL } from "#shared/http/openapi/publish-call.ts";
import { limitBodies } from "#shared/http/json-api.ts";
import { single } from "#shared/http/single-header.ts";
import type { CallLimits } from "../admission/call-limits.ts";
import type { Hub } from "../connections/hub.ts";
import { admitPerson } from "./admit-person.ts";
import { callerAddressOf } from "./caller-address.ts";
import { type CallerReading, readCallerToken } from "./read-caller.ts";

/** What a message of the bus has room for, beside headers of 64 KB. The publisher's own port takes more. */
const MAX_BODY_BYTES = 960 * 1_024;

/** A request to publish, for the publisher. */
export interface ForwardedRequest {
  readonly token: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** The client's address or network; undefined where it is this host's own. */
  readonly address: string | undefined;
  readonly body: Uint8Array;
}

/** The publisher's answer. */
export interface ForwardedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Has a publisher answer a request. Safe to repeat with the same ids.
 * @throws {AppError} `unavailable` where no publisher is there, and nothing was stored, or where none answers.
 */
export type ForwardEvents = (request: ForwardedRequest) => Promise<ForwardedAnswer>;

/** The edge, as far as the route uses it. */
export interface ForwardEventsRoute extends CallerReading {
  readonly forwardEvents: ForwardEvents;
  readonly callLimits: CallLimits;
  readonly edge: { readonly hub: Pick<Hub, "tenant"> };
}

/**
 * Adds `POST /v1/events`, which goes on to the publisher with the caller's own token: the edge itself can write no event. The token is
 * verified before the body is read, so that no stranger's body is.
 */
export function addForwardEventsRoute(api: Hono, route: ForwardEventsRoute): void {
  api.post(EVENTS_PATH, describeCall(PUBLISH_CALL), limitBodies(MAX_BODY_BYTES), async (c) => {
    const { incoming } = c.env as { readonly incoming: IncomingMessage };
    const address = callerAddressOf(incoming, route.trusted);
    route.callLimits.admitAddress(address);
    const { token, claims } = await readCallerToken(route, c);
    admitPerson(route, claims.tenant_id, claims.sub);
    const traceparent = c.get("traceparent");
    const ours = { "x-request-id": c.get("requestId"), ...(traceparent !== undefined && { traceparent }) };
    const headers = { ...forwardedOf(incoming.headersDistinct), ...ours };
    const body = new Uint8Array(await c.req.arrayBuffer());
    const answer = await route.forwardEvents({ token, headers, address, body });
    return new Response(answer.body, { status: answer.status, headers: { ...answer.headers } });
  });
}

function forwardedOf(headers: IncomingMessage["headersDistinct"]): Record<string, string> {
  const names = Object.keys(headers).filter(
    (name) => name.startsWith("ce-") || (FORWARDED_HEADERS as readonly string[]).includes(name),
  );
  return Object.fromEntries(names.map((name) => [name, single(headers[name]) ?? ""]));
}
