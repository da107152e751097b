import { BlockList } from "node:net";
import { Hono } from "hono";
import { toAppError } from "#shared/errors/app-error.ts";
import { createTokenCookies } from "#shared/http/token-cookies.ts";
import { SharedCounts } from "#shared/limits/shared-counts.ts";
import { CLAIMS_OF_KIM } from "./claims.ts";
import { CallLimits, type CallLimitSettings, createCallRates } from "../../services/stream/admission/call-limits.ts";

/** How many calls of each kind are let on in a minute. */
type PerMinute = Omit<CallLimitSettings, "wall">;

const MANY: PerMinute = {
  perAddressPerMinute: 100,
  perSubjectPerMinute: 100,
  acksPerAddressPerMinute: 100,
  acksPerSubjectPerMinute: 100,
};

/** A router for routes of the edge's API, what their callers are read by, and calls of one whose token holds. */
export function createRouteRig(perMinute: Partial<PerMinute> = {}) {
  const limits = { ...MANY, ...perMinute, wall: () => 0 };
  const api = new Hono();
  api.onError((thrown, c) => c.json({ code: toAppError(thrown).code }, 400));
  const incoming = { socket: { remoteAddress: "198.51.100.7" }, headers: {}, headersDistinct: {} };
  return {
    api,
    reading: {
      verify: async () => CLAIMS_OF_KIM,
      cookies: createTokenCookies({
        AUTH_ISSUER: "http://localhost:8081",
        AUTH_COOKIE_SAME_SITE: "lax",
        AUTH_COOKIE_PARTITIONED: "0",
        AUTH_COOKIE_NAME_PREFIX: "",
      }),
      allowedOrigins: [],
      trusted: { proxies: new BlockList(), header: "x-forwarded-for" as const },
      callLimits: new CallLimits(createCallRates(new SharedCounts(1), limits), limits),
    },
    /** Answers what a call is answered; undefined where that has no body. */
    ask: async (method: string, path: string, body?: object): Promise<Record<string, unknown> | undefined> => {
      const headers = { authorization: "Bearer t", "content-type": "application/json" };
      const sent = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
      const response = await api.request(path, sent, { incoming });
      return response.status === 204 ? undefined : ((await response.json()) as Record<string, unknown>);
    },
  };
}
