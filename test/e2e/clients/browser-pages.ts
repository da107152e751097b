import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import puppeteer from "puppeteer-core";
import { startChild } from "#test/support/child.ts";
import { freePort } from "#test/support/ports.ts";
import { startBrowser } from "#test/support/start-browser.ts";
import { waitFor } from "#test/support/wait.ts";
import { CONTROL_EVENTS, PROVISIONED, type Report, type Target } from "./client.ts";
import { openWindow } from "./web-driver.ts";

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

/** A browser that has not come up by then never will, however busy the machine is. */
const START_MS = 60_000;

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

/** Firefox, by WebDriver BiDi. */
export const startFirefox: Start = async ({ origin, path, token }, report) => {
  await using starting = new AsyncDisposableStack();
  const home = await openHome(starting);
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath: fileURLToPath(new URL("bin/firefox", PROVISIONED)),
    headless: true,
    timeout: START_MS,
    env: { PATH: process.env["PATH"], HOME: home, MOZ_CRASHREPORTER_DISABLE: "1" },
  });
  starting.defer(() => browser.close());
  const page = await browser.newPage();
  await page.goto(`${origin}${PAGE}`);
  await browser.setCookie({ name: COOKIE, value: token, domain: new URL(origin).hostname, httpOnly: true });
  await page.evaluate(nativeScript(path));
  return collect(() => page.evaluate(TAKE) as Promise<string>, report, starting.move());
};

/** WebKitGTK's small browser, by its WebDriver, on a display of its own. */
export const startWebKit: Start = async ({ origin, path, token }, report) => {
  await using starting = new AsyncDisposableStack();
  const home = await openHome(starting);
  const webkit = fileURLToPath(new URL("bin/webkit", PROVISIONED));
  const env = { HOME: home, XDG_RUNTIME_DIR: home };
  const display = startChild(webkit, ["Xvfb", "-displayfd", "1", "-nolisten", "tcp"], env);
  starting.defer(async () => void (await display.end("SIGTERM")));
  const number = await waitFor("a display", () => /^\d+$/m.exec(display.output())?.[0], START_MS);
  const port = await freePort();
  const driver = startChild(webkit, ["WebKitWebDriver", `--port=${port}`], {
    ...env,
    DISPLAY: `:${number}`,
    // Its sandbox is a namespace inside the one it runs in, and it opens nothing but the edge's own page.
    WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1",
  });
  starting.defer(async () => void (await driver.end("SIGTERM")));
  const capabilities = { "webkitgtk:browserOptions": { args: ["--automation"] } };
  const opened = await waitFor(
    "a WebKit window",
    () => openWindow(port, capabilities).catch(() => undefined),
    START_MS,
  );
  const window = starting.use(opened);
  await window.goto(`${origin}${PAGE}`);
  await window.setCookie(COOKIE, token);
  await window.run(nativeScript(path));
  return collect(() => window.run(`return ${TAKE}`) as Promise<string>, report, starting.move());
};

/** A home of its own for a browser, so that nobody's settings matter and nothing is left behind. */
async function openHome(stack: AsyncDisposableStack): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), "sluice-browser-"));
  stack.defer(() => rm(home, { recursive: true, force: true, maxRetries: 5 }));
  return home;
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
