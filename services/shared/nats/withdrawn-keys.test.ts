import { jetstreamManager } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLogger, type Logger } from "#shared/log/create-logger.ts";
import type { LineFacts } from "#shared/log/line-fields.ts";
import { type NatsServer, type NatsUser, startNats } from "#test/support/start-nats.ts";
import { waitFor } from "#test/support/wait.ts";
import { connectService } from "#test/support/connect-service.ts";
import { openBucket } from "./open-bucket.ts";
import { followWithdrawnKeys, type KeyRingBus } from "./withdrawn-keys.ts";
import { freeze, thaw } from "#test/support/freeze.ts";

const stack = new AsyncDisposableStack();
let server: NatsServer;
let auth: NatsConnection;

beforeAll(async () => {
  server = stack.use(await startNats());
  auth = await connectAs("auth");
});
afterAll(() => stack.disposeAsync());

test("follows what auth withdraws from before its first ring on, and keeps what it knows when the ring goes bad", async () => {
  const faults: string[] = [];
  const told: string[] = [];
  using withdrawn = await followWithdrawnKeys(await busOf("stream"), keepErrors(faults), (kid) => told.push(kid));
  expect(withdrawn.has("a")).toBe(false);

  const kv = await openBucket(auth, "sluice_keys", { replicas: 1, room: { reserved: 1e6 } });
  await withdraw(kv, "a");
  await waitFor("a is told", () => told.length === 1);
  for (const broken of ["not JSON", '{"withdrawn":"b"}', '{"withdrawn":[{"kid":"","withdrawnAt":1}]}']) {
    await kv.put("ring", broken);
    await waitFor("the fault is logged, once", () => faults.length === 1);
    expect(withdrawn.has("a")).toBe(true);
  }
  await withdraw(kv, "a", "b");
  await waitFor("b is told", () => told.length === 2);
  expect(told).toEqual(["a", "b"]);
});

test("knows what was withdrawn before it began", async () => {
  await withdraw(await openBucket(auth, "sluice_keys", { replicas: 1, room: { reserved: 1e6 } }), "a", "c");
  using withdrawn = await followWithdrawnKeys(await busOf("policy"), createLogger("test", "silent"));
  expect([withdrawn.has("a"), withdrawn.has("c"), withdrawn.has("d")]).toEqual([true, true, false]);
});

test("does not begin while the ring cannot be read", async () => {
  const kv = await new Kvm(auth).open("sluice_keys", { allow_direct: false });
  await kv.put("ring", "not JSON");
  const following = followWithdrawnKeys(await busOf("stream"), createLogger("test", "silent"));
  await expect(following).rejects.toThrow("which keys are withdrawn cannot be read");
  await (await jetstreamManager(auth, { checkAPI: false })).streams.delete("KV_sluice_keys");
});

test("says that nobody answers where the broker only stands still: a start is tried again then", async () => {
  const jsm = await jetstreamManager(await connectAs("stream"), { checkAPI: false, timeout: 200 });
  await freeze(server);
  try {
    const following = followWithdrawnKeys({ jsm }, createLogger("test", "silent"));
    await expect(following).rejects.toMatchObject({ code: "unavailable" });
  } finally {
    thaw(server);
  }
});

async function busOf(user: NatsUser): Promise<KeyRingBus> {
  return { jsm: await jetstreamManager(await connectAs(user), { checkAPI: false }) };
}

async function withdraw(kv: KV, ...kids: string[]): Promise<void> {
  await kv.put("ring", JSON.stringify({ withdrawn: kids.map((kid) => ({ kid, withdrawnAt: 1 })) }));
}

async function connectAs(user: NatsUser): Promise<NatsConnection> {
  const connection = await connectService(server.url(user));
  stack.defer(() => connection.close());
  return connection;
}

function keepErrors(faults: string[]): Logger {
  const log = createLogger("test", "silent");
  return { ...log, error: (facts: LineFacts | string) => void faults.push(String((facts as LineFacts).reason)) };
}
