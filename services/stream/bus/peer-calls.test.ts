import { setImmediate as nextTurn } from "node:timers/promises";
import { errors, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { silentObserver } from "#test/rigs/silent-observer.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AppError } from "#shared/errors/app-error.ts";
import { connectAs } from "#test/support/connect-as.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { waitFor } from "#test/support/wait.ts";
import type { ConnectionCall } from "../call-connection.ts";
import { createPeers } from "./peer-calls.ts";

const ANSWER = { expiresAt: "2026-01-01T00:00:00.000Z" };

const CALL: ConnectionCall = {
  kind: "rebind",
  connectionId: "w1-abc",
  identity: {
    tenant: "acme",
    sid: "s-1",
    subject: {
      id: "alice",
      roles: Array(64).fill("r".repeat(64)),
      groups: Array(256).fill("g".repeat(64)),
      issuer: "https://login.example.com",
    },
    kid: "k",
    tokenExpiresAt: 2_000_000_000,
    isOutside: false,
  },
};

let server: NatsServer;
let nats: NatsConnection;
let other: NatsConnection;

beforeAll(async () => {
  server = await startNats();
  [nats, other] = await Promise.all([connectAs(server, "stream"), connectAs(server, "stream")]);
});
afterAll(async () => {
  await Promise.all([nats.close(), other.close()]);
  await server[Symbol.asyncDispose]();
});

function peersAt(bus: NatsConnection, workerId: string, timeoutMs = 0, observer = silentObserver()) {
  return createPeers({ nats: bus, workerId, timeoutMs, observer });
}

test("a call reaches the worker that the connection names, as it was made, and its answer comes back", async () => {
  const heard: ConnectionCall[] = [];
  using _served = peersAt(other, "w1").serve(async (call) => (heard.push(call), ANSWER));
  await other.flush();
  expect(await peersAt(nats, "w8", 30_000).call(CALL)).toEqual(ANSWER);
  expect(heard).toEqual([CALL]);
});

test("a refusal comes back with its code; what nobody expected is told where it happened, and nothing of it elsewhere", async () => {
  const faults: unknown[] = [];
  const refusals = [new AppError("session_ended", "the session has ended; log in again"), new Error("secret")];
  using _served = peersAt(other, "w1", 0, silentObserver({ fault: (fault) => void faults.push(fault) })).serve(() =>
    Promise.reject(refusals.shift()),
  );
  await other.flush();
  const call = peersAt(nats, "w8", 30_000).call;
  await expect(call(CALL)).rejects.toMatchObject({
    code: "session_ended",
    message: "the session has ended; log in again",
  });
  await expect(call(CALL)).rejects.toMatchObject({ code: "internal", message: expect.not.stringContaining("secret") });
  expect(faults).toEqual([expect.objectContaining({ message: "secret" })]);
});

test("a worker that is not there is told as no connection, one that is silent as unavailable", async () => {
  for (const connectionId of ["w9-abc", "w9", "-abc", "a.b-c", "*-c"]) {
    await expect(peersAt(nats, "w8", 30_000).call({ ...CALL, connectionId })).rejects.toMatchObject({
      code: "not_found",
    });
  }
  using _served = peersAt(other, "w1").serve(() => new Promise(() => {}));
  await other.flush();
  await expect(peersAt(nats, "w8", 100).call(CALL)).rejects.toMatchObject({ code: "unavailable" });
});

test.each([
  "{",
  "null",
  "{}",
  JSON.stringify({ ...CALL, kind: "close" }),
  JSON.stringify({ ...CALL, more: 1 }),
  JSON.stringify({ ...CALL, identity: { ...CALL.identity, tenant: "a.b" } }),
  JSON.stringify(CALL).padEnd(192 * 1_024 + 1),
])("a call of another shape is refused and carried out by nobody (%#)", async (text) => {
  using _served = peersAt(other, "w1").serve(unexpected);
  await other.flush();
  const reply = await nats.request("edge.w1", text, { timeout: 30_000 });
  expect(reply.json()).toMatchObject({ refused: { code: "malformed_request" } });
});

test.each([
  "{",
  "{}",
  '{"done":{}}',
  '{"refused":{"code":"made_up","message":"x"}}',
  `{"done":"${"x".repeat(5_000)}"}`,
])("an answer of another shape counts as none (%#)", async (text) => {
  const subscription = other.subscribe("edge.w1", { callback: (_, message) => void message.respond(text) });
  await other.flush();
  await expect(peersAt(nats, "w8", 30_000).call(CALL)).rejects.toMatchObject({ code: "unavailable" });
  subscription.unsubscribe();
});

test("an answer that comes while the bus drains is dropped: its process goes on", async () => {
  const refusals = [new errors.DrainingConnectionError(), new errors.ClosedConnectionError()];
  const dropped: Error[] = [];
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => void unhandled.push(error);
  process.on("unhandledRejection", note);
  for (const refusal of refusals) {
    let deliver: ((error: null, message: Msg) => void) | undefined;
    const subscribe = (_: string, { callback }: { callback: typeof deliver }) => (
      (deliver = callback),
      { unsubscribe() {} }
    );
    using _served = peersAt({ subscribe, isClosed: () => false } as unknown as NatsConnection, "w1").serve(
      async () => ANSWER,
    );
    const respond = (): never => {
      dropped.push(refusal);
      throw refusal;
    };
    deliver?.(null, { data: Buffer.from(JSON.stringify(CALL)), respond } as unknown as Msg);
    await waitFor("the answer", () => dropped.includes(refusal));
  }
  // Rejections are told once the microtasks are done.
  await nextTurn();
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});

function unexpected(what: unknown): never {
  throw new Error(`this should not have happened: ${JSON.stringify(what)}`);
}
