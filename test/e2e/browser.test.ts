import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { requireOk } from "#test/support/require-ok.ts";
import { startBrowser } from "#test/support/start-browser.ts";
import { everyTab, openSocketTab } from "#test/support/tabs.ts";
import { startTcpProxy } from "#test/support/tcp-proxy.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { waitFor } from "#test/support/wait.ts";

let stack: Stack;
let browser: Browser;
let demo: Bus;
let rival: Bus;

beforeAll(async () => {
  stack = await startStack({ stream: { SLUICE_DEMO: "1" } });
  browser = await startBrowser();
  demo = await stack.bus("demo");
  rival = await stack.bus("rival");
});
afterAll(async () => {
  await browser.close();
  await stack[Symbol.asyncDispose]();
});

describe("a native EventSource in Chromium", () => {
  test("gives two people with different roles and two tenants each exactly its own", async () => {
    const alice = await watch(stack.edge, "alice", "demo");
    const bob = await watch(stack.edge, "bob", "demo");
    const mallory = await watch(stack.edge, "mallory", "rival");
    await demo.publish("events.demo.issues.opened.x", "issue of demo");
    await demo.publish("events.demo.push.event.x", "push of demo");
    await rival.publish("events.rival.issues.opened.x", "issue of rival");
    await demo.publish("events.demo.issues.closed.x", "end");
    await rival.publish("events.rival.issues.closed.x", "end");

    expect(await received(alice)).toEqual(["issue of demo", "end"]);
    expect(await received(bob)).toEqual(["issue of demo", "push of demo", "end"]);
    expect(await received(mallory)).toEqual(["issue of rival", "end"]);
    await Promise.all([alice, bob, mallory].map((page) => page.context().close()));
  });

  test("resumes by itself, without loss, after its edge was killed and started again", async () => {
    const edge = await stack.startEdge();
    const page = await watch(edge, "bob", "demo");
    await demo.publish("events.demo.push.event.x", "before");
    await waitFor("the first event", async () => (await events(page)).length === 1);
    await edge.child.end("SIGKILL");
    await demo.publish("events.demo.push.event.x", "while it was dead");
    await using _again = await stack.startEdge({ STREAM_HTTP_PORT: String(edge.ports.http) });
    await demo.publish("events.demo.push.event.x", "end");
    expect(await received(page)).toEqual(["before", "while it was dead", "end"]);
    await page.context().close();
  });

  test("survives being told to come again, and stops for good when its session ends", async () => {
    await using policy = await startTcpProxy(stack.policy.ports.grpc);
    policy.set("reset");
    const edge = await stack.startEdge({ POLICY_GRPC_URL: `127.0.0.1:${policy.port}`, STREAM_HANDSHAKE_MS: "1000" });
    const page = await open(edge, "bob", "demo");
    await waitFor("busy", async () => (await page.evaluate(() => globalThis.told)).includes("busy"));
    policy.set("pass");
    await waitFor("ready", async () => (await page.evaluate(() => globalThis.told)).includes("ready"));

    const [cookie] = await page.context().cookies();
    await requireOk(
      fetch(`${stack.authUrl}/v1/auth/logout`, {
        method: "POST",
        headers: { authorization: `Bearer ${cookie?.value}` },
      }),
    );
    await waitFor("auth_error", async () => (await page.evaluate(() => globalThis.told)).includes("auth_error"));
    await waitFor("closed for good", () => page.evaluate(() => globalThis.source.readyState === EventSource.CLOSED));
    await page.context().close();
    await edge[Symbol.asyncDispose]();
  });
});

test("a WebSocket in Chromium is let in by its page's cookie, compresses, and is told and closed when its session ends", async () => {
  const page = await open(stack.edge, "bob", "demo");
  await openSocketTab(page, "/v1/stream?topic=push.>");
  await everyTab([page], "ready", ({ dispatched }) => dispatched.includes("ready"));
  const text = "by a WebSocket ".repeat(100);
  await demo.publish("events.demo.push.event.x", text);
  await everyTab([page], "the event", (tab) => tab.received.includes(text));
  const [cookie] = await page.context().cookies();
  const headers = { authorization: `Bearer ${cookie?.value}` };
  await requireOk(fetch(`${stack.authUrl}/v1/auth/logout`, { method: "POST", headers }));
  await everyTab([page], "its end", ({ dispatched }) => dispatched.slice(-2).join(" ") === "auth_error 4001");
  await page.context().close();
});

declare global {
  var source: EventSource;
  var received: string[];
  var told: string[];
}

/** Opens a page of that person and waits until its stream is in force. */
async function watch(edge: RunningService, username: string, tenant: string): Promise<Page> {
  const page = await open(edge, username, tenant);
  await waitFor(`${username} is ready`, async () => (await page.evaluate(() => globalThis.told)).includes("ready"));
  return page;
}

/** A page on a host of its own, so that cookies stay apart, with a plain EventSource. */
async function open(edge: RunningService, username: string, tenant: string): Promise<Page> {
  const { access_token: value } = await stack.login(username, tenant);
  const origin = `http://${username}.localhost:${edge.ports.http}`;
  const context = await browser.newContext();
  await context.addCookies([{ name: "auth_token", value, url: origin, httpOnly: true, sameSite: "Lax" }]);
  const page = await context.newPage();
  await page.goto(`${origin}/demo`);
  await page.evaluate(() => {
    globalThis.received = [];
    globalThis.told = [];
    globalThis.source = new EventSource("/v1/stream?topic=issues.>&topic=push.>");
    globalThis.source.addEventListener("message", ({ data }) => globalThis.received.push(String(data)));
    for (const event of ["ready", "busy", "auth_error", "gap", "reset"]) {
      globalThis.source.addEventListener(event, () => globalThis.told.push(event));
    }
  });
  return page;
}

function events(page: Page): Promise<string[]> {
  return page.evaluate(() => globalThis.received);
}

/** What the page has received once its end has come. */
function received(page: Page): Promise<string[]> {
  return waitFor("the end", async () => {
    const texts = await events(page);
    return texts.at(-1) === "end" ? texts : undefined;
  });
}
