import { afterAll, beforeAll, expect, test } from "vitest";
import { type Stack, startStack } from "#test/support/start-stack.ts";

const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

let stack: Stack;

beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

async function report(body: object, token?: string): Promise<Response> {
  const headers = { "content-type": "application/json", "user-agent": FIREFOX };
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const method = "POST";
  return fetch(`${stack.streamUrl}/v1/reports`, {
    method,
    headers: { ...headers, ...authorization },
    body: JSON.stringify(body),
  });
}

test("what a client saw becomes metrics by its kind, its road and its network", async () => {
  const { access_token } = await stack.login("alice");
  const fallback = { from: "sse", reason: "buffered" };
  const seen = {
    transport: "poll",
    fallback,
    reconnects: 3,
    stalls: 1,
    firstEventMs: 400,
    network: "3g",
    region: "eu-1",
  };
  expect((await report(seen, access_token)).status).toBe(204);
  const metrics = await (await fetch(`http://127.0.0.1:${stack.edge.ports.ops}/metrics`)).text();
  for (const [line, value] of [
    ['client_reports_total{transport="poll",family="firefox"}', 1],
    ['client_fallbacks_total{from="sse",reason="buffered"}', 1],
    ['client_reconnects_total{family="firefox",network="3g"}', 3],
    ['client_stalls_total{family="firefox",network="3g"}', 1],
    ['client_region_reports_total{region="eu-1"}', 1],
    ['client_first_event_seconds_bucket{le="0.5",transport="poll"}', 1],
  ] as const) {
    expect(metrics).toContain(`sluice_stream_${line} ${value}\n`);
  }
});

test("a report of a stranger is refused, and one of other words names the first that is wrong", async () => {
  expect((await report({ transport: "sse" })).status).toBe(401);
  const { access_token } = await stack.login("alice");
  const refused = await report({ transport: "sse", region: "x".repeat(33) }, access_token);
  expect(refused.status).toBe(400);
  expect(await refused.json()).toMatchObject({
    code: "malformed_request",
    detail: expect.stringContaining("region") as string,
  });
});
