import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { amountOf, timeoutOf } from "../soak/amount.ts";
import { type InstalledClient, installClient } from "#test/support/install-client.ts";
import { startBufferingProxy } from "#test/rigs/buffering-proxy.ts";
import { random } from "#test/support/random.ts";
import { type ClientSite, serveClient } from "#test/support/serve-client.ts";
import { startBrowser } from "#test/support/start-browser.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";
import { readMetric } from "#test/support/read-metric.ts";
import { waitFor } from "#test/support/wait.ts";

let stack: Stack;
let browser: Browser;
let client: InstalledClient;
let site: ClientSite;
let demo: Bus;

beforeAll(async () => {
  client = await installClient();
  site = await serveClient(client);
  [stack, browser] = await Promise.all([
    startStack({ stream: { STREAM_ALLOWED_ORIGINS: site.origin } }),
    startBrowser(),
  ]);
  demo = await stack.bus("demo");
});
afterAll(async () => {
  await browser.close();
  await site[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
  await client[Symbol.asyncDispose]();
});

interface TabOptions {
  readonly context?: BrowserContext;
  /** Where the page finds the edge; at its own port by default. */
  readonly url?: string;
}

/** Opens the page in so many tabs of one browser, as this person. */
async function openTabs(username: string, count: number, options: TabOptions = {}): Promise<Page[]> {
  const { access_token: token } = await stack.login(username);
  const shared = options.context ?? (await browser.newContext());
  const url = options.url ?? `http://127.0.0.1:${stack.edge.ports.http}`;
  return Promise.all(
    Array.from({ length: count }, async () => {
      const page = await shared.newPage();
      await page.goto(`${site.origin}/#${new URLSearchParams({ url, token }).toString()}`);
      await page.waitForFunction(`document.querySelector("output")?.value === "live"`);
      return page;
    }),
  );
}

/** What a tab has shown. */
function shown(page: Page): Promise<string[]> {
  return page.locator("li").allTextContents();
}

async function allShow(expected: readonly string[], pages: readonly Page[]): Promise<void> {
  for (const page of pages) {
    const isDone = async (): Promise<boolean> => (await shown(page)).at(-1) === expected.at(-1);
    await waitFor("the last event", isDone).catch(() => {});
    expect(await shown(page)).toEqual(expected);
  }
}

/** Publishes an event; answers how a tab shows it. */
async function publish(text: string): Promise<string> {
  await demo.publish("events.demo.issues.opened.x", JSON.stringify({ text }));
  return `issues.opened: ${JSON.stringify({ text })}`;
}

function openStreams(): Promise<number> {
  return readMetric(stack.edge, "sluice_stream_connections");
}

/** A tab whose leader is too busy to answer within a second has a stream of its own for a while. */
function becomesStreams(count: number): Promise<unknown> {
  return waitFor(`${count} streams`, async () => (await openStreams()) === count);
}

/** Tabs of a busy machine wait for each other: each of these waits may take half a minute. */
const PATIENCE_MS = 120_000;

test(
  "eight tabs over HTTP/1.1 have one stream, and none of them waits for a connection",
  async () => {
    const pages = await openTabs("bob", 8);
    await becomesStreams(1);
    const lines = [await publish("one"), await publish("two")];
    await allShow(lines, pages);
    for (const page of pages) {
      const url = `http://127.0.0.1:${stack.edge.ports.http}/v1/capabilities`;
      expect(await page.evaluate((target) => fetch(target, { mode: "no-cors" }).then(({ type }) => type), url)).toBe(
        "opaque",
      );
    }
    // Whichever leads: half of them leave.
    for (const page of pages.splice(0, 4)) {
      await page.close();
      lines.push(await publish(`behind ${lines.length}`));
    }
    await allShow(lines, pages);
    await becomesStreams(1);
    await pages[0]?.context().close();
  },
  PATIENCE_MS,
);

test(
  "tabs of two people share nothing",
  async () => {
    const context = await browser.newContext();
    const [bob] = await openTabs("bob", 1, { context });
    const [alice] = await openTabs("alice", 1, { context });
    await becomesStreams(2);
    const line = await publish("for both");
    await allShow([line], [bob as Page, alice as Page]);
    await context.close();
  },
  PATIENCE_MS,
);

test(
  "three tabs behind a proxy that buffers event streams find another road, and go through a night of freezes, wakes and cut networks without loss or repeat",
  async () => {
    await using proxy = await startBufferingProxy(stack.edge.ports.http);
    const asked = new Set<string>();
    const context = await browser.newContext();
    context.on("request", (request) => asked.add(new URL(request.url()).pathname));
    const pages = await openTabs("bob", 3, { context, url: proxy.url });
    expect(asked).toContain("/v1/poll");
    const [first] = pages as [Page];
    const sessions = await Promise.all(pages.map((page) => page.context().newCDPSession(page)));
    const frozen = new Set<number>();
    const setFrozen = async (index: number, isFrozen: boolean): Promise<void> => {
      await sessions[index]?.send("Page.setWebLifecycleState", { state: isFrozen ? "frozen" : "active" });
      if (isFrozen) frozen.add(index);
      else frozen.delete(index);
    };
    const lines: string[] = [];
    for (let round = 0; round < amountOf("client-nights", 24); round += 1) {
      const index = Math.floor(random() * pages.length);
      await setFrozen(index, !frozen.has(index));
      if (round % 8 === 3) await first.context().setOffline(true);
      lines.push(await publish(`round ${round}`));
      if (round % 8 === 5) await first.context().setOffline(false);
    }
    await first.context().setOffline(false);
    for (const index of frozen) await setFrozen(index, false);
    lines.push(await publish("morning"));
    await allShow(lines, pages);
    expect(await waitFor("one stream", async () => (await openStreams()) === 1)).toBe(true);
    await first.context().close();
  },
  timeoutOf(PATIENCE_MS),
);
