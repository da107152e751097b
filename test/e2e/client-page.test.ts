import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { ensureClient } from "../../scripts/client/build-client.ts";
import type { connect, SluiceStream } from "../../services/client/client.ts";
import { startBrowser } from "#test/support/start-browser.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";

declare global {
  var client: { readonly connect: typeof connect };
  var stream: SluiceStream;
  var got: unknown[];
  var states: string[];
}

let stack: Stack;
let browser: Browser;
let demo: Bus;
let page: Page;
let published = 0;

beforeAll(async () => {
  await ensureClient(() => {});
  [stack, browser] = await Promise.all([startStack(), startBrowser({ keepsPages: true })]);
  demo = await stack.bus("demo");
  page = await openPage();
});
afterAll(async () => {
  await browser.close();
  await stack[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await page.evaluate(() => (globalThis.states = []));
});

/** A page of the edge's own host, which follows a stream by the client that the edge serves. */
async function openPage(): Promise<Page> {
  const { access_token: token } = await stack.login("bob");
  const opened = await (await browser.newContext()).newPage();
  await opened.goto(`${stack.streamUrl}/client/v1.json`);
  await opened.evaluate(`import("/client/v1.js").then((client) => void (globalThis.client = client))`);
  await opened.evaluate(
    ([url, given]) => {
      const ignored = { onGap: "ignore", onReset: "ignore", onDegraded: "ignore" } as const;
      const options = { url, topics: ["push.>"], token: given, share: false, ...ignored };
      globalThis.stream = globalThis.client.connect(options);
      globalThis.got = [];
      globalThis.states = [];
      globalThis.stream.on("push.event", ({ data }) => globalThis.got.push(data));
      globalThis.stream.onState((state) => globalThis.states.push(state.name));
    },
    [stack.streamUrl, token] as const,
  );
  await becomesLive(opened);
  return opened;
}

function becomesLive(on: Page): Promise<unknown> {
  // While a page comes back from the cache, there is nowhere to ask.
  const isLive = (): Promise<boolean> => on.evaluate(() => globalThis.stream.state.name === "live").catch(() => false);
  return waitFor("live", isLive);
}

/** Publishes so many more events. */
async function publish(count: number): Promise<void> {
  for (let left = count; left > 0; left -= 1) {
    published += 1;
    await demo.publish("events.demo.push.event.k", String(published));
  }
}

/** Waits for the last event, and expects each one once and in order. */
async function expectAll(): Promise<void> {
  await waitFor("the last event", () => page.evaluate((last) => globalThis.got.at(-1) === last, published));
  expect(await page.evaluate(() => globalThis.got)).toEqual(Array.from({ length: published }, (_, index) => index + 1));
}

test("the client that the edge serves follows a stream, and browsers take it by what the edge says of it", async () => {
  await publish(3);
  await expectAll();
  const named = (await (await fetch(`${stack.streamUrl}/client/v1.json`)).json()) as {
    path: string;
    integrity: string;
  };
  const load = (integrity: string): Promise<unknown> =>
    page.evaluate(`new Promise((resolve) => {
      const script = Object.assign(document.createElement("script"), { type: "module" });
      script.onload = () => resolve("taken");
      script.onerror = () => resolve("refused");
      script.integrity = ${JSON.stringify(integrity)};
      script.src = ${JSON.stringify(named.path)};
      document.documentElement.append(script);
    })`);
  // In this order: a module that was loaded once is not loaded again.
  expect([await load("sha384-AAAA"), await load(named.integrity)]).toEqual(["refused", "taken"]);
});

test("a device without a network says so, and shows what it has missed when it has one", async () => {
  await page.context().setOffline(true);
  await waitFor("offline", () => page.evaluate(() => globalThis.stream.state.name === "offline"));
  await publish(2);
  await page.context().setOffline(false);
  await becomesLive(page);
  await expectAll();
});

test("a page that is frozen in the back-forward cache and wakes up, night after night, shows each event once and in order", async () => {
  const signs = ["pagehide", "freeze", "resume", "pageshow"].map(
    (name) =>
      `for (const target of [window, document]) target.addEventListener("${name}", () => states.push("${name}"));`,
  );
  await page.evaluate(signs.join("\n"));
  const nights = 2;
  for (let night = 0; night < nights; night += 1) {
    await publish(1);
    await page.goto(`${stack.streamUrl}/v1/nowhere`);
    await publish(2);
    await page.evaluate("history.back()");
    await becomesLive(page);
  }
  await expectAll();
  const states = await page.evaluate(() => globalThis.states);
  for (const sign of ["pagehide", "freeze", "resume", "pageshow", "offline"]) {
    expect(states.filter((each) => each === sign)).toHaveLength(nights);
  }
});
