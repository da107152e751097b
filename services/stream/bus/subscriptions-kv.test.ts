import { jetstreamManager } from "@nats-io/jetstream";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ALL_SUBSCRIPTIONS, SUBSCRIPTIONS_STREAM, subscriptionSubject } from "#shared/contract/subscriptions.ts";
import { recordOf } from "#test/rigs/subscription-record.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { type Bus, openBus } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";
import { storable, type SubscriptionStore } from "../durable/subscription-store.ts";
import { createSubscriptionStore } from "./subscriptions-kv.ts";

let server: NatsServer;
let policy: Bus;
let edge: Bus;
let store: SubscriptionStore;
let key: { readonly tenant: string; readonly subject: string; readonly name: string };
let made = 0;

beforeAll(async () => {
  server = await startNats();
  policy = await openBus(server.url("policy"), "policy");
  edge = await openBus(server.url("stream"), "stream");
  const { streams } = await policy.manager();
  await streams.add({
    name: SUBSCRIPTIONS_STREAM,
    subjects: [ALL_SUBSCRIPTIONS],
    max_msgs_per_subject: 1,
    allow_msg_ttl: true,
    deny_delete: true,
  });
  store = createSubscriptionStore({ js: edge.js, jsm: await jetstreamManager(edge.connection, { checkAPI: false }) });
});
afterAll(async () => {
  for (const { connection } of [policy, edge]) await connection.close();
  await server[Symbol.asyncDispose]();
});
beforeEach(() => void (key = { tenant: `t-${(made += 1)}`, subject: "jane@acme.com", name: "orders" }));

const RECORD = recordOf();

describe("a record", () => {
  test("replaces the write that it names, and no other; a new one replaces none", async () => {
    const first = await store.put(key, storable(RECORD), undefined);
    expect(await store.read(key)).toEqual({ record: RECORD, write: first });
    expect(await store.put(key, storable(RECORD), undefined)).toBeUndefined();
    const second = await store.put(key, storable({ ...RECORD, revision: 2 }), first);
    expect(await store.put(key, storable({ ...RECORD, revision: 3 }), first)).toBeUndefined();
    expect(await store.read(key)).toEqual({ record: { ...RECORD, revision: 2 }, write: second });
  });

  test("that is removed is not there, cannot be written by who knew it, and can be made anew", async () => {
    const first = await store.put(key, storable(RECORD), undefined);
    expect(await store.remove(key, (first ?? 0) + 1)).toBe(false);
    expect(await store.remove(key, first ?? 0)).toBe(true);
    expect(await store.read(key)).toBeUndefined();
    expect(await store.put(key, storable(RECORD), first)).toBeUndefined();
    expect(await store.put(key, storable(RECORD), undefined)).toBeGreaterThan(first ?? 0);
  });

  test("goes by its time to live", async () => {
    const brief = recordOf({ definition: { ...RECORD.definition, ttlSeconds: 1 } });
    await store.put(key, storable(brief), undefined);
    await waitFor("it is gone", async () => (await store.read(key)) === undefined);
  });

  test.each([
    ['{"v":4,"new":"format"}', "unavailable"],
    ["damaged", "subscription_unreadable"],
  ])("that cannot be read is told, and not overwritten: %s", async (text, code) => {
    await edge.js.publish(subscriptionSubject(key.tenant, key.subject, key.name), text);
    await expect(store.read(key)).rejects.toMatchObject({ code });
    expect(await store.put(key, storable(RECORD), undefined)).toBeUndefined();
  });
});

test("names and counts are of one person and of one tenant", async () => {
  for (const [subject, name] of [
    ["jane@acme.com", "b"],
    ["jane@acme.com", "a"],
    ["jane", "c"],
  ] as const)
    await store.put({ ...key, subject, name }, storable(RECORD), undefined);
  await store.put({ ...key, tenant: "other" }, storable(RECORD), undefined);
  expect(await store.names(key)).toEqual(["a", "b"]);
  expect([await store.count(key.tenant), await store.count("nobody")]).toEqual([3, 0]);
});
