import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { followByClient } from "#test/support/client-stream.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";
import { startTcpProxy } from "#test/support/tcp-proxy.ts";

let stack: Stack;
let demo: Bus;
let token: string;

beforeAll(async () => {
  stack = await startStack();
  demo = await stack.bus("demo");
  ({ access_token: token } = await stack.login("bob"));
});
afterAll(() => stack[Symbol.asyncDispose]());

const push = (data: string): Promise<number> => demo.publish("events.demo.push.event.k", data);

test("a stream brings events with their type, topic, data and place, and ends where it is closed", async () => {
  using bob = followByClient({ url: `${stack.streamUrl}/`, topics: ["push.>"], token });
  expect(await bob.until("live")).toEqual({ name: "live" });
  await push('{"ref":"main","size":9007199254740993}');
  await bob.receive(1);
  const [event] = bob.events;
  expect(event).toMatchObject({
    id: expect.stringMatching(/^[\w-]+\.\d+\.\w+$/),
    type: "push.event",
    topic: "push.event.k",
    data: { ref: "main" },
    time: expect.stringMatching(/^20\d\d-.*Z$/),
    raw: expect.stringContaining("9007199254740993"),
  });
  bob.stream.close();
  expect(bob.stream.state).toEqual({ name: "ended", reason: "closed" });
});

describe("a stream that breaks off", () => {
  test("comes back behind its last event, while the edge's process is killed and another takes its place", async () => {
    await using proxy = await startTcpProxy(stack.edge.ports.http);
    using bob = followByClient({ url: `http://127.0.0.1:${proxy.port}`, topics: ["push.>"], token });
    await bob.until("live");
    await push("before");
    await bob.receive(1);
    proxy.set("reset");
    await bob.until("behind", "lost");
    await push("meanwhile");
    await using other = await stack.startEdge();
    proxy.lead(other.ports.http);
    proxy.set("pass");
    await push("after");
    expect(await bob.receive(3)).toEqual(["before", "meanwhile", "after"]);
    await bob.until("live");
    expect(bob.states.map(({ name }) => name)).toEqual(["connecting", "live", "behind", "behind", "live"]);
  });
});
