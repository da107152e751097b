import { connect } from "@nats-io/transport-node";
import { Kvm } from "@nats-io/kv";
import { calculateJwkThumbprint } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLogger } from "#shared/log/create-logger.ts";
import { connectNats, drainNats } from "#shared/nats/connect-nats.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { loadKeyRing } from "./key-ring-kv.ts";

const log = createLogger("test", "silent");
const options = { replicas: 1 };
let server: NatsServer;

beforeAll(async () => {
  server = await startNats();
});
afterAll(() => server[Symbol.asyncDispose]());

async function asAuth() {
  const nats = await connectNats(server.url("auth"), "test", log);
  return { nats, [Symbol.asyncDispose]: () => drainNats(nats) };
}

test("processes that start at the same time end with the same ring, and so does one that starts later", async () => {
  await using one = await asAuth();
  await using two = await asAuth();
  const [first, second] = await Promise.all([loadKeyRing(one.nats, options), loadKeyRing(two.nats, options)]);
  expect(second).toEqual(first);
  expect(await loadKeyRing(two.nats, options)).toEqual(first);
});

test("a key's id is its RFC 7638 thumbprint", async () => {
  await using auth = await asAuth();
  const [key] = (await loadKeyRing(auth.nats, options)).signing;
  expect(key.kid).toBe(await calculateJwkThumbprint(key));
});

test("the ring survives the server's sudden death", async () => {
  await using auth = await asAuth();
  const before = await loadKeyRing(auth.nats, options);
  await server.stop("SIGKILL");
  await server.start();
  await using back = await asAuth();
  expect(await loadKeyRing(back.nats, options)).toEqual(before);
});

test.each(["stream", "policy"] as const)("the user of %s cannot read the ring", async (user) => {
  const inboxPrefix = `_INBOX.${user}`;
  await using nats = await connect({ servers: `127.0.0.1:${server.port}`, user, pass: "test", inboxPrefix });
  const kv = await new Kvm(nats).open("sluice_keys", { allow_direct: false });
  await expect(kv.get("ring")).rejects.toThrow(/permissions violation/i);
});

test("what is not a key ring is refused, without quoting it", async () => {
  await using auth = await asAuth();
  const kv = await new Kvm(auth.nats).open("sluice_keys", { allow_direct: false });
  await kv.put("ring", '{"signing":"private-part"}');
  const refusal = loadKeyRing(auth.nats, options);
  await expect(refusal).rejects.toThrow("is not a key ring");
  await expect(refusal).rejects.not.toThrow("private-part");
});
