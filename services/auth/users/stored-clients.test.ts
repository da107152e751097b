import { beforeEach, describe, expect, test } from "vitest";
import { AppError } from "#shared/errors/app-error.ts";
import { createLogger } from "#shared/log/create-logger.ts";
import { limitLines } from "#shared/log/limit-lines.ts";
import { createMemoryClients, type MemoryClients } from "#test/rigs/memory-clients.ts";
import type { ServiceClient } from "./client-directory.ts";
import { joinClients } from "./join-clients.ts";
import type { PasswordHash } from "./password-hash.ts";
import { decodeClients, encodeClients, MAX_SECRETS, type StoredClient } from "./stored-client.ts";
import { openStoredClients } from "./stored-clients.ts";
import { createAccountVerifier } from "./verify-account.ts";

const AT = "2026-01-01T00:00:00.000Z";

/** Hashes that hide nothing, and cost nothing. */
const hashes = ["1.old-secret-of-shop", "2.new-secret-of-shop"].map((secret): PasswordHash => ({
  memoryKiB: 8,
  passes: 1,
  lanes: 1,
  salt: Buffer.alloc(16),
  tag: Buffer.from(secret),
}));
const verifyPlain = async (secret: string, { tag }: PasswordHash): Promise<boolean> =>
  Buffer.from(tag).toString() === secret;

let store: MemoryClients;
let now: number;

beforeEach(() => {
  [store, now] = [createMemoryClients(), Date.parse(AT)];
});

const open = () =>
  openStoredClients({
    store,
    verify: createAccountVerifier(verifyPlain),
    clock: { wall: () => now, monotonic: () => now },
    log: limitLines(createLogger("test", "silent")),
  });

function clientWith(numbers: readonly number[], id = "key-shop-a"): StoredClient {
  const secrets = numbers.map((number) => ({ number, password: hashes[number - 1]!, madeAt: AT, by: "operator" }));
  const scope = [{ permission: "*:publish", topics: ">" }];
  return { id, name: "shop", scope, madeAt: AT, by: "operator", lastNumber: 2, secrets, isWithdrawn: false };
}

let admitted = 0;
const admit = async (): Promise<void> => void admitted++;

test("each of two secrets is good until it is withdrawn, and never again; a wrong one costs one verification", async () => {
  await store.replace("acme", [clientWith([1, 2])], 0);
  await using clients = await open();
  const ask = (secret: string, id = "key-shop-a") => clients.authenticate(id, secret, "192.0.2.1", admit);
  expect(await ask("1.old-secret-of-shop")).toMatchObject({
    tenant: "acme",
    username: "key-shop-a",
    secretNumber: 1,
    roles: [],
  });
  expect(await ask("2.new-secret-of-shop")).toMatchObject({ secretNumber: 2 });
  admitted = 0;
  for (const wrong of ["1.new-secret-of-shop", "2.old-secret-of-shop", "3.old", "old", "-1.old", ""])
    expect(await ask(wrong)).toBeUndefined();
  expect(await ask("1.old-secret-of-shop", "key-nobody")).toBeUndefined();
  expect(admitted).toBe(7);
  await clients.change("acme", () => [clientWith([2])]);
  expect(await ask("1.old-secret-of-shop")).toBeUndefined();
  expect(await ask("2.new-secret-of-shop")).toMatchObject({ secretNumber: 2 });
  await clients.change("acme", () => []);
  expect(await ask("2.new-secret-of-shop")).toBeUndefined();
  expect(clients.find("acme", "key-shop-a")).toBeUndefined();
});

test("a process that has not heard of a withdrawal lets nobody in: what is stored counts", async () => {
  await store.replace("acme", [clientWith([1])], 0);
  await using clients = await open();
  const client = (await clients.authenticate(
    "key-shop-a",
    "1.old-secret-of-shop",
    "192.0.2.1",
    admit,
  )) as ServiceClient;
  expect(await clients.confirm(client)).toBe(true);
  store.storeUnheard("acme", [{ ...clientWith([]), isWithdrawn: true }]);
  expect(await clients.confirm(client)).toBe(false);
  store.break();
  await expect(clients.confirm(client)).rejects.toThrow(AppError);
});

test("a client and a secret that another process has made are good at once", async () => {
  await using clients = await open();
  const ask = (secret: string) => clients.authenticate("key-shop-a", secret, "192.0.2.1", admit);
  expect(await ask("1.old-secret-of-shop")).toBeUndefined();
  store.storeUnheard("rival", [clientWith([1], "key-rival-a")]);
  store.storeUnheard("acme", [clientWith([1])]);
  expect(await ask("1.old-secret-of-shop")).toMatchObject({ tenant: "acme", secretNumber: 1 });
  store.storeUnheard("acme", [clientWith([1, 2])]);
  expect(await ask("2.new-secret-of-shop")).toMatchObject({ secretNumber: 2 });
});

test("a store that came back as an older copy counts: what was made since is gone, and what was withdrawn is good again", async () => {
  await store.replace("acme", [clientWith([1])], 0);
  await using clients = await open();
  const restore = store.copy();
  await clients.change("acme", () => [clientWith([2])]);
  await clients.change("rival", () => [clientWith([1], "key-rival-a")]);
  restore();
  const isKnown = (tenant: string, id: string): boolean => clients.find(tenant, id) !== undefined;
  await expect.poll(() => isKnown("rival", "key-rival-a")).toBe(false);
  const ask = (secret: string) => clients.authenticate("key-shop-a", secret, "192.0.2.1", admit);
  expect(await ask("1.old-secret-of-shop")).toMatchObject({ secretNumber: 1 });
  expect(await ask("2.new-secret-of-shop")).toBeUndefined();
});

test("an older copy of the store that has been written since counts, as does what was written", async () => {
  await store.replace("acme", [clientWith([1])], 0);
  await using clients = await open();
  const restore = store.copy();
  await clients.change("acme", () => []);
  store.storeUnheard("heard", [clientWith([1], "key-heard-a")]);
  await expect.poll(() => clients.find("heard", "key-heard-a")).toBeDefined();
  restore();
  for (const id of ["key-rival-0", "key-rival-1", "key-rival-2"]) store.storeUnheard("rival", [clientWith([1], id)]);
  const known = (): boolean[] => {
    const ids = ["key-rival-1", "key-rival-2"].map((id) => clients.find("rival", id));
    return [clients.find("acme", "key-shop-a"), ...ids].map((client) => client !== undefined);
  };
  await expect.poll(known).toEqual([true, false, true]);
  await clients.change("acme", () => []);
  expect(known()).toEqual([false, false, true]);
});

test("as many wrong secrets as come at once ask the store together; while it is away none of them is called wrong", async () => {
  await store.replace("acme", [clientWith([1])], 0);
  await using clients = await open();
  const guess = (n: number) => clients.authenticate(`key-guess-${n % 9}`, `1.guess ${n}`, `owner ${n}`, admit);
  const guesses = () => Promise.allSettled(Array.from({ length: 100 }, (_, n) => guess(n)));
  expect(new Set((await guesses()).map(({ status }) => status))).toEqual(new Set(["fulfilled"]));
  expect(store.questions).toBeLessThan(50);
  store.break();
  expect(new Set((await guesses()).map(({ status }) => status))).toEqual(new Set(["rejected"]));
});

test("that a secret is used is noted once a minute, and disturbs no change", async () => {
  await store.replace("acme", [clientWith([1, 2])], 0);
  await using clients = await open();
  const client = { tenant: "acme", username: "key-shop-a", roles: [], groups: [], secretNumber: 1 };
  const writes = store.writes;
  for (const _use of [1, 2, 3]) await clients.confirm(client);
  expect(store.writes).toBe(writes + 1);
  now += 60_000;
  await clients.confirm(client);
  const [stored] = await clients.read("acme");
  expect(stored?.secrets.map(({ usedAt }) => usedAt)).toEqual(["2026-01-01T00:01:00.000Z", undefined]);
});

test("a change that somebody else was quicker than is made on top of theirs", async () => {
  await using clients = await open();
  let isFirst = true;
  const changed = await clients.change("acme", (all) => {
    if (isFirst) store.storeUnheard("acme", [clientWith([1])]);
    isFirst = false;
    return [...all, clientWith([2], "key-shop-b")];
  });
  expect(changed.map(({ id }) => id)).toEqual(["key-shop-a", "key-shop-b"]);
});

test("a client is its own tenant's, and what the file names is the file's", async () => {
  await store.replace("acme", [clientWith([1])], 0);
  await using clients = await open();
  expect(clients.find("acme", "key-shop-a")).toMatchObject({ username: "key-shop-a" });
  expect(clients.find("rival", "key-shop-a")).toBeUndefined();
  const theirs = { tenant: "acme", username: "key-shop-a", roles: ["admin"], groups: [] };
  const file = {
    knows: () => true,
    ofTenant: () => [],
    find: () => theirs,
    findCertified: () => theirs,
    authenticate: async () => theirs,
    confirm: async () => true,
  };
  expect(joinClients(file, clients).find("acme", "key-shop-a")).toBe(theirs);
  expect(joinClients({ ...file, knows: () => false }, clients).find("acme", "key-shop-a")).toMatchObject({ roles: [] });
});

describe("what is stored", () => {
  const entryOf = (...clients: readonly unknown[]): string => JSON.stringify({ clients });
  const whole = clientWith([1, 2]);
  const [client] = (JSON.parse(encodeClients([whole])) as { clients: [Record<string, unknown>] }).clients;
  const secrets = client["secrets"] as object[];

  test("is read back as it was", () => {
    expect(decodeClients(encodeClients([whole]))).toMatchObject([
      { ...whole, secrets: [{ number: 1 }, { number: 2 }] },
    ]);
  });

  test.each<[string, object]>([
    ["an id that is no client's", { id: "alice" }],
    ["an id that is no name", { id: "key-*" }],
    ["no scope", { scope: "" }],
    ["a secret without a hash", { secrets: [{ ...secrets[0], hash: "1.old-secret-of-shop" }] }],
    ["too many secrets", { secrets: [...secrets, ...secrets].slice(0, MAX_SECRETS + 1) }],
  ])("with %s gets no tokens, stays as it is beside the others, and can be named and withdrawn", async (_, change) => {
    const broken = { ...client, id: "key-broken-a", ...change };
    const read = decodeClients(entryOf(broken, client));
    expect(read).toMatchObject([
      { secrets: [], isWithdrawn: true },
      { id: "key-shop-a", isWithdrawn: false },
    ]);
    expect(read[0]?.id).toMatch(/^key-(broken-a|unreadable-[0-9a-f]{10})$/);
    expect(JSON.parse(encodeClients(read))).toEqual({ clients: [broken, client] });
    expect(decodeClients(encodeClients(read))[0]?.id).toBe(read[0]?.id);
  });

  test.each(["", "{", "null", '{"clients":{}}'])("and is no list, %j, is one that can be withdrawn", (text) => {
    const [read, ...others] = decodeClients(text);
    expect(others).toEqual([]);
    expect(read).toMatchObject({ secrets: [], isWithdrawn: true });
    expect(decodeClients(encodeClients(read === undefined ? [] : [read]))).toEqual([read]);
  });
});
