import type { IncomingMessage } from "node:http";
import type { BlockList } from "node:net";
import type { Hono } from "hono";
import { toAppError } from "#shared/errors/app-error.ts";
import { callContextOf } from "#shared/http/json-api.ts";
import { describeCall } from "#shared/http/openapi/describe-call.ts";
import { EVENTS_PATH, PUBLISH_CALL } from "#shared/http/openapi/publish-call.ts";
import { clientAddressOf, strangerOf } from "#shared/http/client-address.ts";
import type { PublishMetrics } from "../metrics.ts";
import type { PublishEvents } from "../publish-events.ts";
import { readBody } from "./read-body.ts";

/** What the route takes. */
export interface EventsRouteDeps {
  readonly publish: PublishEvents;
  readonly proxies: BlockList;
  /** The largest body, in bytes. */
  readonly maxBodyBytes: number;
  readonly metrics: Pick<PublishMetrics, "requests">;
}

/** Adds `POST /v1/events`: 200 with the events' ids once they are stored. */
export function addEventsRoute(api: Hono, { publish, proxies, maxBodyBytes, metrics }: EventsRouteDeps): void {
  api.post(EVENTS_PATH, describeCall(PUBLISH_CALL), async (c) => {
    const { incoming } = c.env as { readonly incoming: IncomingMessage };
    try {
      const published = await publish({
        headers: incoming.headersDistinct,
        query: new URL(c.req.url).searchParams,
        address: strangerOf(clientAddressOf(c, proxies)),
        bodyBytes: bodyBytesOf(incoming, maxBodyBytes),
        readBody: () => readBody(incoming, maxBodyBytes),
        context: callContextOf(c),
        onIdentified: (caller) => c.set("caller", caller),
      });
      metrics.requests.inc({ code: "none", door: "http" });
      return c.json(published);
    } catch (error) {
      metrics.requests.inc({ code: toAppError(error).code, door: "http" });
      throw error;
    }
  });
}

/** A body without a length may be as long as a body may be. */
function bodyBytesOf({ headers }: IncomingMessage, maxBodyBytes: number): number {
  const length = Number(headers["content-length"]);
  return Number.isSafeInteger(length) && length >= 0 ? Math.min(length, maxBodyBytes) : maxBodyBytes;
}
