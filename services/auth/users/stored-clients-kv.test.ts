import { jetstreamManager } from "@nats-io/jetstream";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLogger } from "#shared/log/create-logger.ts";
import { limitLines } from "#shared/log/limit-lines.ts";
import { systemClock } from "#shared/time/clock.ts";
import { connectAs } from "#test/support/connect-as.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { waitFor } from "#test/support/wait.ts";
import { hashPassword, parsePasswordHash } from "./password-hash.ts";
import type { StoredClient } from "./stored-client.ts";
import { openStoredClients, type StoredClients } from "./stored-clients.ts";
import { openStoredClientsStore } from "./stored-clients-kv.ts";
import { createAccountVerifier } from "./verify-account.ts";

const AT = "2026-01-01T00:00:00.000Z";
const SECRET = "1.secret-of-shop";

const opened = new AsyncDisposableStack();
let server: NatsServer;

beforeAll(async () => {
  server = opened.use(await startNats());
});
afterAll(() => opened.disposeAsync());

async function makeClient(): Promise<StoredClient> {
  const password = parsePasswordHash(await hashPassword(SECRET))!;
  const secrets = [{ number: 1, password, madeAt: AT, by: "operator" }];
  const scope = [{ permission: "*:publish", topics: ">" }];
  return {
    id: "key-shop-a",
    name: "shop",
    scope,
    madeAt: AT,
    by: "operator",
    lastNumber: 1,
    secrets,
    isWithdrawn: false,
  };
}

/** The stored clients of an auth of its own. */
async function open(): Promise<StoredClients> {
  const nats = opened.use(await connectAs(server, "auth"));
  const log = limitLines(createLogger("test", "silent"));
  const store = await openStoredClientsStore(nats, { replicas: 1, log });
  return opened.use(await openStoredClients({ store, verify: createAccountVerifier(), clock: systemClock, log }));
}

test("a client that one auth has made is good at another that does not hear of it", async () => {
  const [one, two, client] = [await open(), await open(), await makeClient()];
  const nats = opened.use(await connectAs(server, "auth"));
  const { consumers } = await jetstreamManager(nats, { checkAPI: false });
  const followers = await waitFor("both follow", async () => {
    const answer = await nats.request("$JS.API.CONSUMER.NAMES.KV_sluice_clients");
    const names = answer.json<{ consumers?: string[] }>().consumers ?? [];
    return names.length === 2 && names;
  });
  for (const name of followers) await consumers.delete("KV_sluice_clients", name);

  await one.change("demo", () => [client]);
  const ask = (secret: string) => two.authenticate("key-shop-a", secret, "192.0.2.1", async () => {});
  expect(await ask(SECRET)).toMatchObject({ tenant: "demo", username: "key-shop-a" });
  expect(await ask("1.another")).toBeUndefined();
});

test("a bucket that comes back as an older copy counts for whoever runs, whatever has been written into it since", async () => {
  const [one, two, client] = [await open(), await open(), await makeClient()];
  await one.change("older", () => [client]);
  await server.stop("SIGTERM");
  const copy = await mkdtemp(`${server.storeDir}-copy-`);
  await cp(server.storeDir, copy, { recursive: true });
  await server.start();
  await waitFor("the client is withdrawn", () => one.change("older", () => []).catch(() => undefined));
  await one.change("newer", () => [{ ...client, id: "key-shop-b" }]);
  await waitFor("both know", () =>
    [one, two].every((each) => !each.find("older", client.id) && each.find("newer", "key-shop-b")),
  );
  await server.stop("SIGKILL");
  await rm(server.storeDir, { recursive: true });
  await cp(copy, server.storeDir, { recursive: true });
  await rm(copy, { recursive: true });
  await server.start();
  await waitFor("both know", () =>
    [one, two].every((each) => each.find("older", client.id) && !each.find("newer", "key-shop-b")),
  );
  await one.change("newest", () => [{ ...client, id: "key-shop-c" }]);
  await waitFor("the other one hears", () => two.find("newest", "key-shop-c"));
});
