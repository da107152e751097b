import { jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLogger } from "#shared/log/create-logger.ts";
import { limitLines } from "#shared/log/limit-lines.ts";
import { systemClock } from "#shared/time/clock.ts";
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

async function connectAsAuth(): Promise<NatsConnection> {
  const { username: user, password: pass } = new URL(server.url("auth"));
  return opened.use(await connect({ servers: `127.0.0.1:${server.port}`, user, pass, inboxPrefix: "_INBOX.auth" }));
}

/** The stored clients of an auth of its own. */
async function open(): Promise<StoredClients> {
  const nats = await connectAsAuth();
  const log = limitLines(createLogger("test", "silent"));
  const store = await openStoredClientsStore(nats, { replicas: 1, log });
  return opened.use(await openStoredClients({ store, verify: createAccountVerifier(), clock: systemClock, log }));
}

test("a client that one auth has made is good at another that does not hear of it", async () => {
  const [one, two] = [await open(), await open()];
  const nats = await connectAsAuth();
  const { consumers } = await jetstreamManager(nats, { checkAPI: false });
  const followers = await waitFor("both follow", async () => {
    const answer = await nats.request("$JS.API.CONSUMER.NAMES.KV_sluice_clients");
    const names = answer.json<{ consumers?: string[] }>().consumers ?? [];
    return names.length === 2 && names;
  });
  for (const name of followers) await consumers.delete("KV_sluice_clients", name);

  const password = parsePasswordHash(await hashPassword(SECRET))!;
  const secrets = [{ number: 1, password, madeAt: AT, by: "operator" }];
  const rest = {
    name: "shop",
    scope: [{ permission: "*:publish", topics: ">" }],
    madeAt: AT,
    by: "operator",
    lastNumber: 1,
    isWithdrawn: false,
  };
  const client: StoredClient = { id: "key-shop-a", ...rest, secrets };
  await one.change("demo", () => [client]);
  const ask = (secret: string) => two.authenticate("key-shop-a", secret, "192.0.2.1", async () => {});
  expect(await ask(SECRET)).toMatchObject({ tenant: "demo", username: "key-shop-a" });
  expect(await ask("1.another")).toBeUndefined();
});
