import { jetstream, jetstreamManager, type JetStreamManager } from "@nats-io/jetstream";
import { headers, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { logStreamName, logSubjects } from "#shared/contract/tenant-log.ts";
import { connectAs } from "#test/support/connect-as.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";

const RECORD = "$KV.sluice_subs.demo.alice.orders";

let server: NatsServer;
let policy: NatsConnection;
let edge: NatsConnection;
let publisher: NatsConnection;
let manager: JetStreamManager;

beforeAll(async () => {
  server = await startNats();
  policy = await connectAs(server, "policy");
  edge = await connectAs(server, "stream");
  publisher = await connectAs(server, "publish");
  manager = await jetstreamManager(policy, { checkAPI: false });
  await manager.streams.add({ name: logStreamName("demo"), subjects: logSubjects("demo"), deny_delete: true });
  await manager.streams.add({
    name: "KV_sluice_subs",
    subjects: ["$KV.sluice_subs.>"],
    max_msgs_per_subject: 1,
    discard: "new",
    deny_delete: true,
    allow_direct: false,
    allow_rollup_hdrs: false,
    allow_msg_ttl: true,
  });
});
afterAll(async () => {
  for (const connection of [policy, edge, publisher]) await connection.close();
  await server[Symbol.asyncDispose]();
});

test("what the publisher writes becomes an event of that tenant, and is acknowledged", async () => {
  const answer = await jetstream(publisher, { timeout: 30_000 }).publish("ingest.demo.issues.opened.x", "{}");
  expect(answer).toMatchObject({ stream: "EVENTS_demo", duplicate: false });
  const stored = await manager.streams.getMessage("EVENTS_demo", { seq: answer.seq });
  expect(stored?.subject).toBe("events.demo.issues.opened.x");
});

test("an edge hands events to the publisher, and hears its answer", async () => {
  publisher.subscribe("publish.event", { callback: (_, message) => void message.respond("stored") });
  await publisher.flush();
  expect((await edge.request("publish.event", "{}", { timeout: 30_000 })).string()).toBe("stored");
});

test("an edge writes and reads the record of a subscription, and empties nothing by a header", async () => {
  const stored = await jetstream(edge, { timeout: 30_000 }).publish(RECORD, "kept");
  expect(stored.stream).toBe("KV_sluice_subs");
  const rollup = headers();
  rollup.set("Nats-Rollup", "all");
  const answer = await edge.request(RECORD, "{}", { headers: rollup, timeout: 30_000 });
  expect(answer.json()).toHaveProperty("error");
  const reader = await jetstreamManager(edge, { checkAPI: false });
  const kept = await reader.streams.getMessage("KV_sluice_subs", { last_by_subj: RECORD });
  expect(kept?.string()).toBe("kept");
});

test("who backs up writes no event, reads no single message, and changes and removes nothing", async () => {
  await using backup = await connectAs(server, "backup");
  const refused = [
    "events.demo.issues.opened.x",
    "control.demo.policy",
    "$KV.sluice_revoked.demo.s",
    "audit.demo.login",
    "edge.ask",
    "_INBOX.policy.x",
    ...["CREATE", "UPDATE", "DELETE", "PURGE", "MSG.GET", "MSG.DELETE"].map(
      (api) => `$JS.API.STREAM.${api}.EVENTS_demo`,
    ),
    "$JS.API.CONSUMER.CREATE.EVENTS_demo",
  ];
  for (const subject of refused) {
    await expect(backup.request(subject, "{}", { timeout: 30_000 })).rejects.toThrow(/Permissions Violation/);
  }
});
