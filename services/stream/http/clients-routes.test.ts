import { expect, test } from "vitest";
import { createRouteRig } from "#test/rigs/route-rig.ts";
import type { SessionAnswer } from "../access/ports.ts";
import type { TopicsAnnouncement } from "../connections/client-streams.ts";
import { addClientsRoutes, type ClientsRoutes } from "./clients-routes.ts";

test("one's own clients are told and forgotten while one's session lives, and not by a token that has outlived it", async () => {
  let session: SessionAnswer = { state: "live", remainingMs: 1_000, isFinal: false };
  const [done, announced] = [[] as string[], [] as string[]];
  const { api, reading, ask } = createRouteRig();
  addClientsRoutes(api, {
    ...reading,
    edge: { hub: { tenant: () => undefined }, sessions: { check: async () => session } },
    topicStore: {
      list: async () => (done.push("list"), []),
      read: async () => (done.push("read"), { added: new Map(), removed: new Set() }),
      forget: async () => (done.push("forget"), true),
    },
    announceTopics: ({ client }: TopicsAnnouncement) => void announced.push(client.client),
  } as unknown as ClientsRoutes);
  const askAll = async (): Promise<unknown[]> => [
    await ask("GET", "/v1/clients"),
    await ask("GET", "/v1/clients/tab/topics"),
    await ask("DELETE", "/v1/clients/tab/topics"),
  ];
  expect(await askAll()).toEqual([{ clients: [] }, { client: "tab", added: [], removed: [] }, undefined]);
  session = { state: "revoked" };
  const refused = { code: "session_ended" };
  expect(await askAll()).toEqual([refused, refused, refused]);
  expect([done, announced]).toEqual([["list", "read", "forget"], ["tab"]]);
});
