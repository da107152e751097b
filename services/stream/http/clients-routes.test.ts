import { BlockList } from "node:net";
import { Hono } from "hono";
import { expect, test } from "vitest";
import { toAppError } from "#shared/errors/app-error.ts";
import { SharedCounts } from "#shared/limits/shared-counts.ts";
import type { SessionAnswer } from "../access/ports.ts";
import { CallLimits, createCallRates } from "../admission/call-limits.ts";
import type { TopicsAnnouncement } from "../connections/client-streams.ts";
import { addClientsRoutes, type ClientsRoutes } from "./clients-routes.ts";

const CLAIMS = { iss: "i", sub: "kim", exp: 4_000_000_000, sid: "s", tenant_id: "acme", roles: [], groups: [] };

test("one's own clients are told and forgotten while one's session lives, and not by a token that has outlived it", async () => {
  let session: SessionAnswer = { state: "live", remainingMs: 1_000, isFinal: false };
  const [done, announced] = [[] as string[], [] as string[]];
  const limits = {
    perAddressPerMinute: 9,
    perSubjectPerMinute: 9,
    acksPerAddressPerMinute: 1,
    acksPerSubjectPerMinute: 1,
    wall: () => 0,
  };
  const api = new Hono();
  api.onError((thrown, c) => c.json({ code: toAppError(thrown).code }, 400));
  addClientsRoutes(api, {
    verify: async () => CLAIMS,
    allowedOrigins: [],
    trusted: { proxies: new BlockList(), header: "x-forwarded-for" },
    callLimits: new CallLimits(createCallRates(new SharedCounts(1), limits), limits),
    edge: { hub: { tenant: () => undefined }, sessions: { check: async () => session } },
    topicStore: {
      list: async () => (done.push("list"), []),
      read: async () => (done.push("read"), { added: new Map(), removed: new Set() }),
      forget: async () => (done.push("forget"), true),
    },
    announceTopics: ({ client }: TopicsAnnouncement) => void announced.push(client.client),
  } as unknown as ClientsRoutes);
  const incoming = { socket: { remoteAddress: "198.51.100.7" }, headers: {}, headersDistinct: {} };
  const ask = async (method: string, path: string): Promise<unknown> => {
    const response = await api.request(path, { method, headers: { authorization: "Bearer t" } }, { incoming });
    return response.status === 204 ? "done" : await response.json();
  };
  const askAll = async (): Promise<unknown[]> => [
    await ask("GET", "/v1/clients"),
    await ask("GET", "/v1/clients/tab/topics"),
    await ask("DELETE", "/v1/clients/tab/topics"),
  ];
  expect(await askAll()).toEqual([{ clients: [] }, { client: "tab", added: [], removed: [] }, "done"]);
  session = { state: "revoked" };
  const refused = { code: "session_ended" };
  expect(await askAll()).toEqual([refused, refused, refused]);
  expect([done, announced]).toEqual([["list", "read", "forget"], ["tab"]]);
});
