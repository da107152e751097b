import type { BlockList } from "node:net";
import type { Hono } from "hono";
import { byForwardedFor } from "#shared/http/client-address.ts";
import { createJsonApi } from "#shared/http/json-api.ts";
import { EVENTS_PATH } from "#shared/http/openapi/publish-call.ts";
import type { LimitedLog } from "#shared/log/limit-lines.ts";
import { addEventsRoute, type EventsRouteDeps } from "./events-route.ts";
import { publishWelcome } from "./welcome.ts";

/** The settings that the publisher's calls follow. */
export interface PublishApiSettings {
  readonly PUBLISH_ALLOWED_ORIGINS: readonly string[];
  readonly PUBLISH_BODY_MAX_BYTES: number;
  readonly PUBLISH_TRUSTED_PROXIES: BlockList;
}

/** The publisher's HTTP API. Its only call reads and limits its bodies itself. */
export function createPublishApi(
  settings: PublishApiSettings,
  deps: Pick<EventsRouteDeps, "publish" | "metrics">,
  log: LimitedLog,
): Hono {
  const { PUBLISH_ALLOWED_ORIGINS: allowedOrigins, PUBLISH_BODY_MAX_BYTES: maxBodyBytes } = settings;
  const proxies = settings.PUBLISH_TRUSTED_PROXIES;
  const limits = { maxBodyBytes, streamedPaths: new RegExp(`^${EVENTS_PATH}$`), allowedOrigins };
  const api = createJsonApi(
    { ...limits, trusted: byForwardedFor(proxies), welcome: publishWelcome, describedFor: "publish" },
    log,
  );
  addEventsRoute(api, { ...deps, proxies, maxBodyBytes });
  return api;
}
