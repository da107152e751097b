import { once } from "node:events";
import { type AddressInfo, BlockList, connect } from "node:net";
import { Hono } from "hono";
import { expect, test } from "vitest";
import { SocketBudget } from "#shared/http/socket-budget.ts";
import { OPS_LIMITS } from "#shared/http/socket-limits.ts";
import { createRig } from "#test/rigs/edge-rig.ts";
import { waitFor } from "#test/support/wait.ts";
import type { Door } from "./door.ts";
import { createEdgeServer } from "./edge-server.ts";

const CLAIMS = { iss: "i", sub: "alice", exp: 4_000_000_000, sid: "s", tenant_id: "acme", roles: [], groups: [] };

const HEADERS = ["Host: edge", "Authorization: Bearer t", "Last-Event-ID: first-epoch.1.t1", "", ""];
const POLL = ["GET /v1/poll?topic=order.created.1 HTTP/1.1", ...HEADERS].join("\r\n");

test("polls may stand behind one that waits; a connection on which they pile up is closed", async () => {
  await using rig = createRig();
  const route = {
    edge: rig.edge,
    verify: async () => CLAIMS,
    authTime: rig.edge.authTime,
    isOutside: () => false,
    allowedOrigins: [],
    trusted: { proxies: new BlockList(), header: "forwarded" },
  } as unknown as Door["route"];
  const own = { route, api: new Hono(), rebind: undefined } as unknown as Door;
  const sockets = new SocketBudget(OPS_LIMITS);
  const server = createEdgeServer({ own, doorOf: undefined, speaksProxy: false, sockets }).listen(0, "127.0.0.1");
  await once(server, "listening");
  await using _ = { [Symbol.asyncDispose]: async () => void (await once(server.close(), "close")) };
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1").on("error", () => {});
  const closed = once(client.resume(), "close");
  client.write(POLL.repeat(10));
  await waitFor("the first one waits", () => rig.edge.hub.size === 1);
  expect(client.destroyed).toBe(false);
  client.write(POLL.repeat(100));
  await closed;
  await waitFor("its stream is over", () => rig.edge.hub.size === 0);
});
