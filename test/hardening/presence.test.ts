import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEventStream } from "#test/support/event-stream.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";

/** So many calls a person may make in a minute; the test of that limit is bob's. */
const CALLS_PER_MINUTE = 90;

let stack: Stack;
let carol: string;
let alice: string;

beforeAll(async () => {
  stack = await startStack({ stream: { STREAM_CALLS_PER_SUBJECT_PER_MINUTE: String(CALLS_PER_MINUTE) } });
  carol = (await stack.login("carol")).access_token;
  alice = (await stack.login("alice")).access_token;
});
afterAll(() => stack?.[Symbol.asyncDispose]());

async function ask(
  path: string,
  token: string | undefined = carol,
  headers: Record<string, string> = {},
  method = "GET",
) {
  const authorization = token === "" ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(`${stack.streamUrl}/v1/presence${path}`, {
    method,
    headers: { ...authorization, ...headers },
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: JSON.parse(text) as Record<string, unknown> };
}

describe("a question", () => {
  test.each([
    ["", "malformed_topic"],
    ["?topic=", "malformed_topic"],
    ["?topic=push", "malformed_topic"],
    ["?topic=push..a", "malformed_topic"],
    ["?topic=push.>.a", "malformed_topic"],
    ["?topic=push.a%20b", "malformed_topic"],
    ["?topic=push.%00", "malformed_topic"],
    [`?topic=push.${"x".repeat(4_000)}`, "malformed_topic"],
    [`?topic=a.b.c.d.e.f.g.h.i`, "malformed_topic"],
    ["?topic=push.*&topic=issues.*", "malformed_request"],
    [`?${Array(1_000).fill("topic=push.*").join("&")}`, "malformed_request"],
    ["?topic=push.*&limit=0", "malformed_request"],
    ["?topic=push.*&limit=501", "malformed_request"],
    ["?topic=push.*&limit=1e2", "malformed_request"],
    ["?topic=push.*&limit=-1", "malformed_request"],
    ["?topic=push.*&count=yes", "malformed_request"],
    ["?topic=push.*&cursor=!", "malformed_request"],
    ["?topic=push.*&cursor=AA", "malformed_request"],
    [`?topic=push.*&cursor=${Buffer.from("x".repeat(257)).toString("base64url")}`, "malformed_request"],
    ["?topic=push.*&tenant=rival", "unsupported_parameter"],
    ["/alice?limit=3", "unsupported_parameter"],
    ["/%00", "malformed_request"],
    ["/%ED%A0%80", "malformed_request"],
    ["/e%CC%81", "malformed_request"],
    [`/${"x".repeat(257)}`, "malformed_request"],
    ["/alice?topics=1", "malformed_request"],
    ["/alice?access_token=x", "unsupported_parameter"],
  ])("%.40s… is refused as %s", async (path, code) => {
    expect(await ask(path)).toMatchObject({ status: 400, body: { code } });
  });

  test.each([
    "auth0|64a",
    "jane@acme.com",
    "a/b",
    "日本",
    "\u{1F600}",
    "count",
    "?",
    "#",
    "100%",
    "a b",
    "x".repeat(256),
  ])("may name the person %s", async (subject) => {
    const { status, body } = await ask(`/${encodeURIComponent(subject)}`);
    expect([status, body]).toEqual([200, { subject, online: false, devices: 0, partial: false }]);
  });

  test("is only read: other methods change nothing", async () => {
    for (const method of ["POST", "PUT", "DELETE"])
      for (const path of ["?topic=push.*", "/alice"]) expect((await ask(path, carol, {}, method)).status).toBe(405);
  });

  test("needs a token, that of a person, and no page of somebody else may use the cookie", async () => {
    expect(await ask("?topic=push.*", "")).toMatchObject({ status: 401, body: { code: "token_missing" } });
    expect(await ask("?topic=push.*", "not.a.token")).toMatchObject({ status: 401 });
    const cookie = { cookie: `auth_token=${carol}` };
    expect(await ask("?topic=push.*", "", cookie)).toMatchObject({ status: 200 });
    const foreign = { ...cookie, origin: "https://evil.example", "sec-fetch-site": "cross-site" };
    expect(await ask("?topic=push.*", "", foreign)).toMatchObject({ status: 403, body: { code: "cross_site" } });
  });

  test("of somebody without the right is refused with the permission that is missing, whoever is there", async () => {
    const topic = await ask("?topic=issues.*", alice);
    expect(topic).toMatchObject({ status: 403, body: { code: "forbidden" } });
    expect(topic.body["detail"]).toContain("presence:read");
    expect((await ask("?topic=issues.*&count=true", alice)).body["detail"]).toContain("presence:count");
    expect((await ask("/carol?topics=true", alice)).body["detail"]).toContain("presence:topics");
    // Not even of themselves, so that the answer tells nobody apart.
    expect(await ask("/alice", alice)).toMatchObject({ status: 403 });
    expect(await ask("/nobody", alice)).toMatchObject({ status: 403 });
  });

  test("by a token whose scope leaves presence out is refused, whatever its person may do", async () => {
    const body = JSON.stringify({ tenant: "demo", username: "carol", password: "sluice-demo", scope: "push:read" });
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${stack.authUrl}/v1/auth/login`, { method: "POST", headers, body });
    const { access_token: narrow } = (await response.json()) as { access_token: string };
    expect(await ask("?topic=push.*", narrow)).toMatchObject({ status: 403 });
  });

  test("that is one too many within a minute is put off, and asks nobody", async () => {
    const bob = (await stack.login("bob")).access_token;
    let refused = await ask("?topic=push.*", bob);
    let calls = 1;
    for (; refused.status === 403 && calls <= 2 * CALLS_PER_MINUTE; calls += 1)
      refused = await ask("?topic=push.*", bob);
    // A minute may have ended on the way.
    expect(calls).toBeGreaterThan(CALLS_PER_MINUTE);
    expect(refused).toMatchObject({ status: 429, body: { code: "too_many_requests" } });
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  });
});

describe("a stream", () => {
  test.each([
    ["presence=push", 400],
    ["presence=", 400],
    [Array.from({ length: 11 }, (_, n) => `presence=push.*.${n}`).join("&"), 400],
    [Array.from({ length: 1_000 }, (_, n) => `presence=push.*.${n}`).join("&"), 400],
    ["presence=push.a%0Ab", 400],
  ])("with %s is refused", async (query, status) => {
    await using stream = await openEventStream(`${stack.streamUrl}/v1/stream?topic=push.>&${query}`, { token: carol });
    expect(stream.status).toBe(status);
  });

  test("cannot be made to forge a frame by the name of somebody who joins", async () => {
    await using watching = await openEventStream(`${stack.streamUrl}/v1/stream?topic=push.>&presence=push.>`, {
      token: carol,
    });
    await watching.frame("presence");
    const lines = watching.raw().split("\n");
    expect(lines.filter((line) => line !== "" && !/^(event|data|id|retry): |^:/.test(line))).toEqual([]);
  });
});

test("nobody of another account hears who listens, asks, or tells an edge", async () => {
  const heard: string[] = [];
  const spies: Bus[] = await Promise.all(
    (["auth", "policy", "demo", "rival", "publish"] as const).map((user) => stack.bus(user)),
  );
  for (const { connection } of spies) {
    for (const subject of [">", "presence.>", "presence.ask", "presence.watch"])
      connection.subscribe(subject, {
        callback: (error, message) => void (error === null && heard.push(message.subject)),
      });
    // Refused by the server, or heard by nobody.
    for (const subject of ["presence.ask", "presence.watch"]) connection.publish(subject, "{}");
    await connection.flush();
  }
  const edge = await stack.bus("stream");
  const own: string[] = [];
  edge.connection.subscribe("presence.>", { callback: (_, message) => void own.push(message.subject) });
  edge.connection.publish("presence.watch", "{}");
  edge.connection.publish("presence.news.demo.x", "{}");
  await edge.connection.flush();
  expect(own).toEqual(expect.arrayContaining(["presence.watch", "presence.news.demo.x"]));
  for (const { connection } of spies) await connection.flush();
  expect(heard).toEqual([]);
  expect((await ask("?topic=push.*")).status).toBe(200);
});
