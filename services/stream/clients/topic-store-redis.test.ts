import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RedisServer, startRedis } from "#test/support/start-redis.ts";
import { waitFor } from "#test/support/wait.ts";
import { RedisTopics } from "./topic-store-redis.ts";

let server: RedisServer;
let store: RedisTopics;

beforeAll(async () => {
  server = await startRedis();
  store = new RedisTopics(new Redis(server.streamUrl, { lazyConnect: true, enableOfflineQueue: false }));
  await waitFor("Redis answers", () => store.list("acme", "nobody").catch(() => undefined));
});
afterAll(async () => {
  store[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});

const NOTHING = { added: new Map<string, string>(), removed: [], reset: [], isWhole: false };

test("a later claim gets what was kept, and takes the record from the earlier one; another base starts over", async () => {
  const client = { tenant: "acme", subject: "auth0|{64a} ü", client: "tab" };
  const first = await store.claim(client, "base-1");
  expect([first.kept, first.wasHeld]).toEqual([undefined, false]);
  const claim = { client, base: "base-1", generation: first.generation };
  const added = new Map([["order.*", "epoch123.5.t"]]);
  expect(await store.change(claim, { ...NOTHING, added, removed: ["order.a"] })).toBe("stored");
  const second = await store.claim(client, "base-1");
  expect(second.generation).toBeGreaterThan(first.generation);
  expect([second.kept, second.wasHeld]).toEqual([{ added, removed: new Set(["order.a"]) }, true]);
  expect(await store.change(claim, { ...NOTHING, removed: ["order.b"] })).toBe("replaced");
  const reset = { ...NOTHING, reset: ["order.*", "order.a"] };
  expect(await store.change({ ...claim, generation: second.generation }, reset)).toBe("stored");
  expect(await store.read(client)).toEqual({ added: new Map(), removed: new Set() });
  expect((await store.claim(client, "base-2")).kept).toBeUndefined();
});

test("a record that is lost can be written only as a whole, and generations rise all the same", async () => {
  const client = { tenant: "acme", subject: "lost", client: "tab" };
  const { generation } = await store.claim(client, "base");
  const claim = { client, base: "base", generation };
  await server.admin("flushall");
  expect(await store.change(claim, { ...NOTHING, removed: ["order.a"] })).toBe("absent");
  expect(await store.read(client)).toBeUndefined();
  expect(await store.change(claim, { ...NOTHING, removed: ["order.a"], isWhole: true })).toBe("stored");
  await server.admin("flushall");
  expect((await store.claim(client, "base")).generation).toBeGreaterThan(generation);
  expect(await store.change(claim, { ...NOTHING, isWhole: true })).toBe("replaced");
});

test("a person has a hundred records; the one that was used least recently gives way to one more", async () => {
  const person = { tenant: "acme", subject: "many" };
  for (let index = 0; index < 101; index += 1) await store.claim({ ...person, client: `tab-${index}` }, "base");
  const clients = (await store.list("acme", "many")).map(({ client }) => client);
  expect(clients).toHaveLength(100);
  expect(clients).not.toContain("tab-0");
  expect(await store.read({ ...person, client: "tab-0" })).toBeUndefined();
  expect(await store.read({ ...person, client: "tab-1" })).toBeDefined();
  expect(await store.forget({ ...person, client: "tab-1" })).toBe(true);
  expect(await store.forget({ ...person, client: "tab-1" })).toBe(false);
  expect(await store.list("acme", "many")).toHaveLength(99);
});

test("keys of one person are in one slot of a cluster, and end a week after their last use", async () => {
  await store.claim({ tenant: "acme", subject: "jane@acme.com", client: "tab" }, "base");
  const key = "sluice:stream:topics:{acme.jane%40acme%2Ecom}.tab";
  expect(Number(await server.admin(`pttl ${key}`))).toBeGreaterThan(6 * 24 * 3_600_000);
  expect(Number(await server.admin("pttl sluice:stream:clients:{acme.jane%40acme%2Ecom}"))).toBeGreaterThan(0);
});

test("a Redis that does not answer is told as unavailable", async () => {
  await server.stop();
  await expect(store.claim({ tenant: "acme", subject: "s", client: "c" }, "base")).rejects.toMatchObject({
    code: "unavailable",
  });
  await server.start();
});
