import { afterAll, beforeAll, expect, test } from "vitest";
import { type EventStream, openEventStream } from "#test/support/event-stream.ts";
import { createOwnClock } from "#test/support/own-clock.ts";
import { publisherAt } from "#test/support/publisher.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";

/** Sessions that a test can wait for. */
const SESSION = { AUTH_ACCESS_TOKEN_SECONDS: "5", AUTH_SESSION_SECONDS: "10" };

/** Two answers of auth and a busy loop may stand between what was announced and what was measured. */
const TOLERANCE_MS = 500;

const TEN_MINUTES = 600_000;
const HOUR = 6 * TEN_MINUTES;

let stack: Stack;
let demo: Bus;

beforeAll(async () => {
  stack = await startStack({ auth: SESSION });
  demo = await stack.bus("demo");
});
afterAll(() => stack[Symbol.asyncDispose]());

function expiries(stream: EventStream): number[] {
  const announced = stream.frames.filter(({ event }) => event === "ready" || event === "session");
  return announced.map(({ data }) => Date.parse((JSON.parse(data) as { expiresAt: string }).expiresAt));
}

test.concurrent.each([
  ["right", 0],
  ["ten minutes ahead", TEN_MINUTES],
  ["ten minutes behind", -TEN_MINUTES],
])(
  "at an edge whose clock is %s, a stream lives to the end of its session as announced, is told once, and its reconnect is refused",
  async (_how, offMs) => {
    await using clock = await createOwnClock(offMs);
    await using edge = await stack.startEdge(clock.env);
    const url = `http://127.0.0.1:${edge.ports.http}/v1/stream?topic=issues.>`;
    const { access_token: token } = await stack.login("alice");
    let endedAt = 0;
    await using stream = await openEventStream(url, {
      token,
      onFrame: ({ event }) => void (event === "auth_error" && (endedAt = Date.now())),
    });
    await stream.frame("ready");
    await demo.publish("events.demo.issues.opened.x", "delivered");
    await stream.receive(1);
    await waitFor("the end", () => endedAt > 0);
    await stream.closed();
    const ends = stream.frames.filter(({ event }) => event === "auth_error");
    expect(ends.map(({ data }) => data)).toEqual(['{"reason":"expired"}']);
    const announced = expiries(stream);
    expect(announced.toSorted((a, b) => a - b)).toEqual(announced);
    expect(announced.length).toBeGreaterThan(1);
    expect(endedAt).toBeGreaterThan(announced.at(-1)! - TOLERANCE_MS);
    await using again = await openEventStream(url, { token });
    expect(again.status).toBe(401);
  },
);

test.concurrent("a publisher and policy whose clocks are an hour ahead take a token that is good by auth's", async () => {
  await using clock = await createOwnClock(HOUR);
  const [publisher, policy] = await Promise.all([stack.startPublish(clock.env), stack.startPolicy(clock.env)]);
  const { access_token: token } = await stack.login("carol");
  const published = await publisherAt(publisher)(token, { type: "issues.opened", key: "clock", data: {} });
  const url = `http://127.0.0.1:${policy.ports.http}/v1/tenants/demo/subjects/alice`;
  const asked = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  expect([published.status, asked.status]).toEqual([200, 200]);
});
