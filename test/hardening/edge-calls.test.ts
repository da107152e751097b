import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ASK_EDGES } from "#shared/contract/edge-questions.ts";
import { connectAs } from "#test/support/connect-as.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";

let server: NatsServer;
let edge: NatsConnection;
let holder: NatsConnection;

beforeAll(async () => {
  server = await startNats();
  [edge, holder] = await Promise.all([connectAs(server, "stream"), connectAs(server, "stream")]);
});
afterAll(async () => {
  await Promise.all([edge.close(), holder.close()]);
  await server[Symbol.asyncDispose]();
});

test("a call between edges is heard by the edge it is for, and by nobody of another account", async () => {
  const heard: string[] = [];
  const others = await Promise.all(
    (["auth", "policy", "demo", "rival"] as const).map((user) => connectAs(server, user)),
  );
  for (const spy of others) for (const subject of [">", "edge.>", "edge.*", "edge.w1"]) listen(spy, subject, heard);
  await Promise.all(others.map((spy) => spy.flush()));
  const subscription = holder.subscribe("edge.w1", { callback: (_, message) => void message.respond("done") });
  await holder.flush();
  expect((await edge.request("edge.w1", "do", { timeout: 30_000 })).string()).toBe("done");
  await Promise.all(others.map((spy) => spy.flush()));
  expect(heard).toEqual([]);
  subscription.unsubscribe();
  await Promise.all(others.map((spy) => spy.close()));
});

test("an operator's question comes to every worker, from policy alone, and its answers to policy alone", async () => {
  const heard: string[] = [];
  const others = await Promise.all(
    (["auth", "publish", "demo", "rival"] as const).map((user) => connectAs(server, user)),
  );
  await using policy = await connectAs(server, "policy");
  for (const spy of others)
    for (const subject of [">", "edge.>", "edge.ask", "_INBOX.policy.>", "_R_.>"]) listen(spy, subject, heard);
  await Promise.all(others.map((spy) => spy.flush()));
  const workers = [edge, holder].map((worker, index) =>
    worker.subscribe(ASK_EDGES, { callback: (_, message) => void message.respond(`w${index}`) }),
  );
  await Promise.all([edge.flush(), holder.flush()]);
  const answers: string[] = [];
  for await (const answer of await policy.requestMany(ASK_EDGES, "{}", {
    strategy: "count",
    maxMessages: 2,
    maxWait: 30_000,
  })) {
    answers.push(answer.string());
  }
  expect(answers.toSorted()).toEqual(["w0", "w1"]);
  for (const asker of others) {
    await expect(asker.request(ASK_EDGES, "{}", { timeout: 30_000 })).rejects.toThrow(
      /Permissions Violation|no responders/,
    );
  }
  await Promise.all(others.map((spy) => spy.flush()));
  expect(heard).toEqual([]);
  for (const worker of workers) worker.unsubscribe();
  await Promise.all(others.map((spy) => spy.close()));
});

test("where it wants the answer gives an edge no way past its list", async () => {
  await using auth = await connectAs(server, "auth");
  await new Kvm(jetstream(auth)).create("sluice_keys", { allow_direct: false });
  const body = JSON.stringify({ stream_name: "KV_sluice_keys", config: { ack_policy: "none" } });
  const answered = Promise.withResolvers<boolean>();
  holder.subscribe("edge.w2", { callback: (_, message) => answered.resolve(message.respond(body)) });
  await holder.flush();
  edge.publish("edge.w2", "", { reply: "$JS.API.CONSUMER.CREATE.KV_sluice_keys" });
  expect(await answered.promise).toBe(true);
  await holder.flush();
  const manager = await jetstreamManager(auth, { checkAPI: false });
  expect((await manager.streams.info("KV_sluice_keys")).state.consumer_count).toBe(0);
});

/** Subscribes, and takes a refusal for what it is here: silence. */
function listen(connection: NatsConnection, subject: string, heard: string[]): void {
  connection.subscribe(subject, {
    callback: (error, message) => void (error === null && heard.push(message.subject)),
  });
}
