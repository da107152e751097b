import { jetstreamManager } from "@nats-io/jetstream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ALL_SUBSCRIPTIONS, SUBSCRIPTIONS_STREAM } from "#shared/contract/subscriptions.ts";
import { recordOf } from "#test/rigs/subscription-record.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { type Bus, openBus } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";
import { storable, type SubscriptionStore } from "../durable/subscription-store.ts";
import { openPacedBus } from "./paced-bus.ts";
import { createSubscriptionStore } from "./subscriptions-kv.ts";
import { watchCallbacks } from "./watch-callbacks.ts";

const cleanup = new AsyncDisposableStack();
let server: NatsServer;
let edge: Bus;
let store: SubscriptionStore;
let told: string[];

const KEY = { tenant: "acme", subject: "jane@acme.com", name: "hook" };
const DEFINITION = { ...recordOf().definition, deliver: { url: "https://hooks.example.com/", secretRef: "hook" } };

beforeAll(async () => {
  server = cleanup.use(await startNats());
  const policy = await openBus(server.url("policy"), "policy");
  edge = await openBus(server.url("stream"), "stream");
  for (const { connection } of [policy, edge]) cleanup.defer(() => connection.close());
  const { streams } = await policy.manager();
  const settings = { max_msgs_per_subject: 1, allow_msg_ttl: true, deny_delete: true };
  await streams.add({ name: SUBSCRIPTIONS_STREAM, subjects: [ALL_SUBSCRIPTIONS], ...settings });
  store = createSubscriptionStore({ js: edge.js, jsm: await jetstreamManager(edge.connection, { checkAPI: false }) });
});
afterAll(() => cleanup.disposeAsync());

test("every record with a callback is told, who holds it, and when it has none any more; also after the broker was away", async () => {
  const hold = (connectionId: string) =>
    recordOf({ definition: DEFINITION, holder: { connectionId, client: undefined } });
  let write = await store.put(KEY, storable(recordOf({ definition: DEFINITION })), undefined);
  await store.put({ ...KEY, name: "plain" }, storable(recordOf()), undefined);
  told = [];
  const bus = cleanup.use(await openPacedBus(edge.connection));
  const listener = {
    onCallback: ({ subject, name }: typeof KEY, holder?: string) => void told.push(`${subject} ${name} ${holder}`),
    onOther: ({ name }: typeof KEY) => void told.push(`other ${name}`),
  };
  cleanup.use(watchCallbacks(bus, listener, { warn: () => {} }));
  await waitFor("what is there", () => told.length === 2);
  expect(told.toSorted()).toEqual(["jane@acme.com hook undefined", "other plain"]);
  write = await store.put(KEY, storable(hold("w1-1")), write);
  await waitFor("the holder", () => told.at(-1) === "jane@acme.com hook w1-1");
  await server.stop("SIGKILL");
  await server.start();
  const put = async () => (write = await store.put(KEY, storable(hold("w2-2")), write));
  await waitFor("a write", () => put().catch(() => undefined));
  await waitFor("the next holder", () => told.includes("jane@acme.com hook w2-2"));
  await store.remove(KEY, write ?? 0);
  await waitFor("it is deleted", () => told.at(-1) === "other hook");
});
