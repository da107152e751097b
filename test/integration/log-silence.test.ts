import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openEventStream } from "#test/support/event-stream.ts";
import { freeze, thaw } from "#test/support/freeze.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";
import { startTcpProxy, type TcpProxy } from "#test/support/tcp-proxy.ts";
import { waitFor } from "#test/support/wait.ts";

/** After so long nobody can know any more what the log would say. */
const SILENCE_MS = 10_000;

let stack: Stack;
let demo: Bus;
let policy: TcpProxy;
let edge: RunningService;

beforeAll(async () => {
  stack = await startStack();
  demo = await stack.bus("demo");
  policy = await startTcpProxy(stack.policy.ports.grpc);
  edge = await stack.startEdge({ POLICY_GRPC_URL: `127.0.0.1:${policy.port}` });
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await policy[Symbol.asyncDispose]();
});

test("a log that is silent for 10 s lets nothing through that is decided meanwhile; once it is back, all of it", async () => {
  const { access_token: token } = await stack.login("bob");
  await using stream = await openEventStream(`http://127.0.0.1:${edge.ports.http}/v1/stream?topic=push.>`, { token });
  await stream.frame("ready");
  await demo.publish("events.demo.push.event.k", "before");
  await stream.receive(1);

  policy.set("blackhole");
  await stack.setRoles("bob", ["maintainer", "triager"]);
  await demo.publish("events.demo.push.event.k", "undecided");
  await waitFor("bob is held", async () => (await waitOf(edge)) === "authorization");
  await freeze(stack.nats);
  const silentSince = performance.now();
  expect(JSON.parse((await stream.frame("degraded")).data)).toEqual({
    reason: expect.stringMatching(/log|authorization/),
  });
  await delay(Math.max(0, silentSince + SILENCE_MS + 1_000 - performance.now()));
  policy.set("pass");
  await waitFor("policy has answered", async () => (await waitOf(edge)) === "log", 60_000);
  expect(stream.events()).toEqual(["before"]);

  thaw(stack.nats);
  expect(await stream.receive(2)).toEqual(["before", "undecided"]);
  await stream.frame("recovered");
}, 120_000);

/** What the edge's only stream waits for. */
async function waitOf({ ports }: RunningService): Promise<string | undefined> {
  const response = await fetch(`http://127.0.0.1:${ports.ops}/debug/connections`);
  const [stream] = (await response.json()) as { readonly waitsFor: string }[];
  return stream?.waitsFor;
}
