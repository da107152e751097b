import { credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AuthorizationClient } from "#proto/envoy/service/auth/v3/external_auth.ts";
import { callUnary } from "#shared/grpc/call-unary.ts";
import { openEventStream } from "#test/support/event-stream.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";

let stack: Stack;
let demo: Bus;

beforeAll(async () => {
  stack = await startStack();
  demo = await stack.bus("demo");
});
afterAll(() => stack[Symbol.asyncDispose]());

const ISSUES = "/repos/Hello-World/issues";

async function open(username: string, query: string) {
  const { access_token: token } = await stack.login(username);
  return openEventStream(`${stack.streamUrl}/v1/stream?${query}`, { token });
}

describe("a resource", () => {
  test("stands for the topics of its route, and delivers what changes behind it", async () => {
    await using alice = await open("alice", `resource=${ISSUES}&topic=issue_comment.*.Hello-World`);
    expect(JSON.parse((await alice.frame("ready")).data)).toMatchObject({
      topics: [
        { topic: "issue_comment.*.Hello-World", granted: true },
        { topic: "issues.*.Hello-World", granted: true },
      ],
    });
    await demo.publish("events.demo.issues.opened.Other", "elsewhere");
    await demo.publish("events.demo.issues.opened.Hello-World", "here");
    expect(await alice.receive(1)).toEqual(["here"]);
  });

  test("that no route has is refused, and so is one of which nothing can be seen", async () => {
    await using unknown = await open("alice", "resource=/repos/a/b/../issues");
    expect(unknown.status).toBe(400);
    await using hidden = await open("alice", "resource=/repos/Hello-World/pulls");
    expect(hidden.status).toBe(403);
  });
});

describe("a gateway", () => {
  test("gets the answer that the stream gives, from the moment a change is acknowledged", async () => {
    const client = new AuthorizationClient(`127.0.0.1:${stack.policy.ports.grpc}`, credentials.createInsecure());
    const { access_token } = await stack.login("bob");
    const check = async (path: string) => {
      const headers = { authorization: `Bearer ${access_token}` };
      const request = { attributes: { request: { http: { method: "GET", path, host: "h", headers } } } };
      return (await callUnary(client.check.bind(client), request, { timeoutMs: 30_000 })).status?.code;
    };
    expect([await check(ISSUES), await check("/repos/Hello-World/pulls"), await check("/repos")]).toEqual([0, 0, 7]);
    for (let round = 0; round < 10; round += 1) {
      await stack.setRoles("bob", []);
      expect(await check(ISSUES)).toBe(7);
      await stack.setRoles("bob", ["triager"]);
      expect([await check(ISSUES), await check("/repos/Hello-World/pulls")]).toEqual([0, 7]);
    }
    client.close();
  });
});

test("why somebody did not get an event is told by the id that somebody else got it under", async () => {
  await using carol = await open("carol", "topic=push.>");
  await carol.frame("ready");
  await demo.publish("events.demo.push.event.Hello-World", "pushed");
  const { id } = await carol.frame(({ data }) => data === "pushed");
  const { access_token } = await stack.login("carol");
  const response = await fetch(`${stack.policyUrl}/v1/tenants/demo/explain?subject=alice&event=${id}`, {
    headers: { authorization: `Bearer ${access_token}` },
  });
  expect(await response.json()).toMatchObject({
    event: { state: "kept", topic: "push.event.Hello-World" },
    whenPublished: {
      allow: false,
      permission: "push:read",
      because: "no rule of the subject's roles is about push:read",
      roles: [{ role: "triager", via: ["bound by name"] }],
    },
  });
});
