import { beforeEach, describe, expect, test } from "vitest";
import type { TenantStanding } from "#shared/contract/tenant-standing.ts";
import { createLogger } from "#shared/log/create-logger.ts";
import { limitLines } from "#shared/log/limit-lines.ts";
import { type AuthWorld, createAuthWorld } from "#test/rigs/auth-world.ts";
import { createMemoryClients, type MemoryClients } from "#test/rigs/memory-clients.ts";
import { MAX_CLIENTS, type StoredClient } from "../users/stored-client.ts";
import { openStoredClients } from "../users/stored-clients.ts";
import { createAccountVerifier } from "../users/verify-account.ts";
import { type ClientManagement, createClientManagement } from "./manage-clients.ts";
import { createSessionRevoker } from "./revoke-session.ts";

const KEEPER = { by: "subject:ann", address: "192.0.2.1" };
const SCOPE = [{ permission: "*:publish", topics: ">" }];

let world: AuthWorld;
let store: MemoryClients;
let standings: (TenantStanding | undefined)[];
let management: ClientManagement;

beforeEach(async () => {
  [world, store, standings] = [createAuthWorld(), createMemoryClients(), []];
  const { clock } = world;
  const log = limitLines(createLogger("test", "silent"));
  const stored = await openStoredClients({ store, verify: createAccountVerifier(), clock, log });
  const active: TenantStanding = { state: "active", since: 1 };
  management = createClientManagement({
    ...world,
    stored,
    standings: { find: async () => (standings.length > 0 ? standings.shift() : active) },
    revoke: createSessionRevoker(world),
  });
});

const make = (name = "shop") => management.make("acme", { name, scope: SCOPE }, KEEPER);
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => "done",
    ({ code }: { code: string }) => code,
  );

test("a client has an id that nobody else ever gets, and a secret that is stored as a hash alone", async () => {
  const [first, second] = [await make(), await make()];
  expect(first.client.id).toMatch(/^key-shop-[a-z2-9]{10}$/);
  expect(second.client.id).not.toBe(first.client.id);
  expect(first.secret).toMatch(/^1\.[A-Za-z0-9_-]{43}$/);
  const { clients } = await store.read("acme");
  expect(JSON.stringify(clients)).not.toContain(first.secret.slice(2));
  expect(world.state.entries[0]).toMatchObject({ event: "client_made", subject: first.client.id, ...KEEPER });
});

test("the last client that a tenant may have is made, and one more is refused", async () => {
  const { client } = await make();
  const others = Array.from({ length: MAX_CLIENTS - 2 }, (_, index): StoredClient => ({
    ...client,
    id: `key-${index}`,
  }));
  store.storeUnheard("acme", [client, ...others]);
  expect(await codeOf(make())).toBe("done");
  expect(await codeOf(make())).toBe("limit_exceeded");
});

test("a client has two secrets at most, and a number is never given again", async () => {
  const { client } = await make();
  const add = () => management.addSecret("acme", client.id, KEEPER);
  expect((await add()).number).toBe(2);
  expect(await codeOf(add())).toBe("limit_exceeded");
  await management.withdrawSecret("acme", client.id, 2, KEEPER);
  expect((await add()).number).toBe(3);
});

describe("a tenant", () => {
  test.each([undefined, { state: "deleted", since: 2 } as const])("that is %o takes nothing", async (standing) => {
    for (const call of [
      () => management.list("acme"),
      () => make(),
      () => management.addSecret("acme", "key-shop-a", KEEPER),
      () => management.withdrawSecret("acme", "key-shop-a", 1, KEEPER),
      () => management.withdraw("acme", "key-shop-a", KEEPER),
    ]) {
      standings = [standing];
      expect(await codeOf(call())).toBe("tenant_unknown");
    }
    expect(store.writes).toBe(0);
  });

  test("that is deleted while a client is made keeps none", async () => {
    standings = [
      { state: "active", since: 1 },
      { state: "deleted", since: 2 },
    ];
    expect(await codeOf(make())).toBe("tenant_unknown");
    expect((await store.read("acme")).clients).toEqual([]);
  });

  test("that is suspended is cleaned up like any other", async () => {
    const { client } = await make();
    standings = [{ state: "suspended", since: 2 }];
    expect(await codeOf(management.withdraw("acme", client.id, KEEPER))).toBe("done");
  });
});

test("a withdrawal that failed half way has taken the secrets already, and a second one finishes it", async () => {
  const { client } = await make();
  world.logIn();
  world.state.fault = { step: "sessions.ofSubject", isDone: false };
  expect(await codeOf(management.withdraw("acme", client.id, KEEPER))).toBe("unavailable");
  expect((await store.read("acme")).clients).toMatchObject([{ id: client.id, isWithdrawn: true, secrets: [] }]);
  world.state.fault = undefined;
  expect(await codeOf(management.withdraw("acme", client.id, KEEPER))).toBe("done");
  expect((await store.read("acme")).clients).toEqual([]);
  expect(world.liveSessions()).toBe(0);
  expect(await codeOf(management.withdraw("acme", client.id, KEEPER))).toBe("not_found");
});
