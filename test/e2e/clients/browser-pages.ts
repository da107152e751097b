import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Browser, Page } from "playwright-core";
import { type DrivenBrowser, startFirefox, startWebKit } from "#test/support/browsers/driven-browser.ts";
import { startBrowser } from "#test/support/start-browser.ts";
import { CONTROL_EVENTS, type Report, type Target } from "./client.ts";

type Start = (target: Target, report: (report: Report) => void) => Promise<AsyncDisposable>;

/** A document of the edge, so that pages are of its origin and send its cookie. */
const PAGE = "/demo/page.css";

const COOKIE = "auth_token";

/** What a page does with its own EventSource. */
function nativeScript(path: string): string {
  return `
    globalThis.reports = [];
    globalThis.source = new EventSource(${JSON.stringify(path)});
    for (const event of ${JSON.stringify(["message", ...CONTROL_EVENTS])}) {
      source.addEventListener(event, ({ lastEventId: id, data }) => reports.push({ event, id, data }));
    }`;
}

/**
 * What a page does with fetch-event-source. The handler parses every message as JSON but \`cursor\`, which has no data; where
 * it throws, the library takes the connection for lost. It comes back after an orderly end only where onclose throws.
 */
function fetchScript({ path, token }: Target): string {
  return `
    globalThis.reports = [];
    void import("/fetch-event-source/index").then(({ fetchEventSource }) => fetchEventSource(${JSON.stringify(path)}, {
      headers: { authorization: ${JSON.stringify(`Bearer ${token}`)} },
      openWhenHidden: true,
      onmessage({ event, id, data }) {
        reports.push({ event: event || "message", id, data });
        if (event !== "cursor") JSON.parse(data);
      },
      onclose() {
        reports.push({ ended: true });
        throw new Error("the stream ended");
      },
      onerror(error) {
        reports.push({ failed: String(error) });
      },
    }));`;
}

const TAKE = "JSON.stringify(globalThis.reports.splice(0))";

/** Chromium, with its own EventSource. */
export const startChromium: Start = async (target, report) => {
  const browser = await startBrowser();
  const page = await openChromiumPage(browser, target);
  await page.evaluate(nativeScript(target.path));
  return collect(() => page.evaluate(TAKE), report, browser);
};

/** Chromium, with a library that reads what fetch answers. */
export const startFetchEventSource: Start = async (target, report) => {
  const browser = await startBrowser();
  const page = await openChromiumPage(browser, target);
  const require = createRequire(import.meta.url);
  const library = require.resolve("@microsoft/fetch-event-source/lib/esm/index.js");
  await page.route("**/fetch-event-source/*", async (route) => {
    const name = new URL(route.request().url()).pathname.split("/").at(-1);
    const body = await readFile(join(dirname(library), `${name}.js`), "utf8");
    await route.fulfill({ contentType: "text/javascript", body });
  });
  await page.evaluate(fetchScript(target));
  return collect(() => page.evaluate(TAKE), report, browser);
};

async function openChromiumPage(browser: Browser, { origin, token }: Target): Promise<Page> {
  const context = await browser.newContext();
  await context.addCookies([{ name: COOKIE, value: token, url: origin, httpOnly: true, sameSite: "Lax" }]);
  const page = await context.newPage();
  await page.goto(`${origin}${PAGE}`);
  return page;
}

/** Firefox, with its own EventSource. */
export const startFirefoxClient: Start = (target, report) => startNative(startFirefox, target, report);

/** WebKitGTK's small browser, with its own EventSource. */
export const startWebKitClient: Start = (target, report) => startNative(startWebKit, target, report);

async function startNative(
  start: () => Promise<DrivenBrowser>,
  { origin, path, token }: Target,
  report: (report: Report) => void,
): Promise<AsyncDisposable> {
  await using starting = new AsyncDisposableStack();
  const browser = starting.use(await start());
  const page = await browser.openPage(`${origin}${PAGE}`);
  await page.setCookie(COOKIE, token);
  await page.run(nativeScript(path));
  return collect(() => page.run(`return ${TAKE}`) as Promise<string>, report, starting.move());
}

/** Fetches what a page has noted until it is disposed of. */
function collect(
  take: () => Promise<string>,
  report: (report: Report) => void,
  browser: AsyncDisposable,
): AsyncDisposable {
  const stopping = new AbortController();
  const collecting = (async () => {
    while (!stopping.signal.aborted) {
      for (const each of JSON.parse(await take()) as Report[]) report(each);
      await delay(30);
    }
  })().catch((error: Error) => report({ failed: error.message }));
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await collecting;
      await browser[Symbol.asyncDispose]();
    },
  };
}
