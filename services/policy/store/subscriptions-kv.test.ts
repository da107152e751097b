import { jetstream } from "@nats-io/jetstream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SUBSCRIPTIONS_STREAM, subscriptionSubject } from "#shared/contract/subscriptions.ts";
import { createLogger } from "#shared/log/create-logger.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { type Bus, openBus } from "#test/support/start-stack.ts";
import { openSubscriptionsKv, SUBSCRIPTIONS_ROOM } from "./subscriptions-kv.ts";

const log = createLogger("test", "silent");

let server: NatsServer;
let policy: Bus;
let edge: Bus;

beforeAll(async () => {
  server = await startNats();
  policy = await openBus(server.url("policy"), "policy");
  edge = await openBus(server.url("stream"), "stream");
});
afterAll(async () => {
  for (const { connection } of [policy, edge]) await connection.close();
  await server[Symbol.asyncDispose]();
});

const write = (tenant: string, subject: string, name: string) =>
  jetstream(edge.connection).publish(subscriptionSubject(tenant, subject, name), "record");

test("the bucket is made as the edges need it, and put right where somebody has changed it", async () => {
  using _first = await openSubscriptionsKv(policy.connection, 1, log);
  const { streams } = await policy.manager();
  const wanted = {
    max_msgs_per_subject: 1,
    discard: "new",
    deny_delete: true,
    allow_direct: false,
    allow_rollup_hdrs: false,
    allow_msg_ttl: true,
    max_bytes: SUBSCRIPTIONS_ROOM.reserved,
  };
  expect((await streams.info(SUBSCRIPTIONS_STREAM)).config).toMatchObject(wanted);
  await write("demo", "alice", "kept");
  await streams.update(SUBSCRIPTIONS_STREAM, { discard: "old" });
  using _again = await openSubscriptionsKv(policy.connection, 1, log);
  const { config, state } = await streams.info(SUBSCRIPTIONS_STREAM);
  expect([config.discard, state.messages]).toEqual(["new", 1]);
});

test("the records of a person, and of a tenant, are deleted, and no other", async () => {
  using records = await openSubscriptionsKv(policy.connection, 1, log);
  for (const [tenant, subject] of [
    ["acme", "jane@acme.com"],
    ["acme", "bob"],
    ["acme-2", "bob"],
  ] as const) {
    await write(tenant, subject, "one");
    await write(tenant, subject, "two");
  }
  expect([await records.remove("acme", "jane@acme.com"), await records.remove("acme")]).toEqual([2, 2]);
  expect([await records.remove("acme"), await records.remove("acme-2")]).toEqual([0, 2]);
});
