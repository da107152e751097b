import { Hono } from "hono";
import { expect, test } from "vitest";
import { createClientAuthentication } from "../sessions/issue-client-token.ts";
import type { ClientDirectory, ServiceClient } from "../users/client-directory.ts";
import { readClient } from "./oauth-request.ts";

/** What a server of node:http gives a request beside itself. */
const WITHOUT_TLS = { incoming: { socket: {} } };

/** Whether a client with that secret is let in by what it puts into its Authorization header. */
async function isLetIn(secret: string, sent: string): Promise<boolean> {
  const client: ServiceClient = { tenant: "acme", username: "worker", groups: [], roles: [] };
  const clients: ClientDirectory = {
    find: () => client,
    findCertified: () => undefined,
    confirm: async () => true,
    async authenticate(_id, presented, _owner, admit) {
      await admit();
      return presented === secret ? client : undefined;
    },
  };
  const throttle = {
    admit: async () => ({ waitSeconds: 0, slowMs: 0 }),
    forget: async () => undefined,
    discount: async () => undefined,
  };
  const authenticate = createClientAuthentication(clients, throttle);
  const api = new Hono().post("/", async (c) => {
    const presented = readClient(c, {});
    if (presented === undefined) return c.text("nobody");
    return c.text((await authenticate({ ...presented, address: "192.0.2.1" })).username);
  });
  const authorization = `Basic ${Buffer.from(`worker:${sent}`).toString("base64")}`;
  const answer = await api.request("/", { method: "POST", headers: { authorization } }, WITHOUT_TLS);
  return (await answer.text()) === "worker";
}

test.each([
  ["b64+with/all=", "b64+with/all="],
  ["b64+with/all=", "b64%2Bwith%2Fall%3D"],
  ["two words", "two+words"],
  ["50%", "50%"],
  ["50%", "50%25"],
  ["100%25", "100%25"],
])("the secret %s is right in HTTP Basic as %s: encoded, and as it is", async (secret, sent) => {
  expect(await isLetIn(secret, sent)).toBe(true);
});

test.each([
  ["a b", "a%2Bb"],
  ["a+b", "a%20b"],
  ["secret", ""],
])("the secret %s is wrong as %s", async (secret, sent) => {
  expect(await isLetIn(secret, sent)).toBe(false);
});
