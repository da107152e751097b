import { expect, test } from "vitest";
import type { AskedBus } from "./ask-servers.ts";
import { waitUntilUnlinked } from "./links.ts";
import { waitUntilEnded } from "./old-connections.ts";

/** A region of two servers, of which one says nothing. */
const bus = {
  region: "eu",
  streams: async () => [{ cluster: { leader: "eu-0", replicas: [{ name: "eu-1", offline: false }] } }],
  nats: {
    info: { server_name: "eu-0" },
    requestMany: async () => answers(),
  },
} as unknown as AskedBus;

async function* answers() {
  yield { json: () => ({ server: { name: "eu-0" }, data: { connections: [], account_statz: [{ leafnodes: 0 }] } }) };
}

test("a server that does not say who is connected counts as one where somebody is", async () => {
  await expect(waitUntilEnded(bus, [], 0)).rejects.toThrow("eu-1 in region eu does not say who is connected");
});

test("a server that does not say whether it has a link counts as one that has it", async () => {
  await expect(waitUntilUnlinked(bus, 0)).rejects.toThrow("eu-1 in region eu does not say whether it has a link");
});
