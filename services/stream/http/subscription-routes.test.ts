import { BlockList } from "node:net";
import { Hono } from "hono";
import { expect, test } from "vitest";
import { toAppError } from "#shared/errors/app-error.ts";
import { SharedCounts } from "#shared/limits/shared-counts.ts";
import { CallLimits, createCallRates } from "../admission/call-limits.ts";
import { addSubscriptionRoutes, type SubscriptionRoutes } from "./subscription-routes.ts";

const CLAIMS = { iss: "i", sub: "kim", exp: 4_000_000_000, sid: "s", tenant_id: "acme", roles: [], groups: [] };

test.each(["acks", "nacks"])(
  "%s count by their ids, too: no more of them are read than honest clients have",
  async (path) => {
    const limits = {
      perAddressPerMinute: 9,
      perSubjectPerMinute: 9,
      acksPerAddressPerMinute: 99,
      acksPerSubjectPerMinute: 25,
      wall: () => 0,
    };
    const api = new Hono();
    api.onError((thrown, c) => c.json({ code: toAppError(thrown).code }, 400));
    addSubscriptionRoutes(api, {
      verify: async () => CLAIMS,
      allowedOrigins: [],
      trusted: { proxies: new BlockList(), header: "x-forwarded-for" },
      callLimits: new CallLimits(createCallRates(new SharedCounts(1), limits), limits),
      edge: {
        sessions: { check: async () => ({ state: "live", remainingMs: 1_000, isFinal: false }) },
        subscriptions: { holds: { find: () => undefined }, store: { read: async () => undefined } },
      },
    } as unknown as SubscriptionRoutes);
    const incoming = { socket: { remoteAddress: "198.51.100.7" }, headers: {}, headersDistinct: {} };
    const send = async (count: number): Promise<unknown> => {
      const body = JSON.stringify({ ids: Array.from({ length: count }, (_, seq) => `e.${seq}.t`) });
      const headers = { authorization: "Bearer t", "content-type": "application/json" };
      const url = `/v1/subscriptions/orders/${path}`;
      const response = await api.request(url, { method: "POST", headers, body }, { incoming });
      return ((await response.json()) as { code: string }).code;
    };
    // What is let on finds that there is no such subscription.
    const codes = [];
    for (const ids of [10_000, 1_000, 10_000, 1_001, 1_000, 1_001, 1_000]) codes.push(await send(ids));
    const [on, refused] = ["not_found", "too_many_requests"];
    expect(codes).toEqual([on, on, on, on, on, refused, refused]);
  },
);
