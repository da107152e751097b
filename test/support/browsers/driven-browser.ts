import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import puppeteer from "puppeteer-core";
import { startChild } from "#test/support/child.ts";
import { freePort } from "#test/support/ports.ts";
import { waitFor } from "#test/support/wait.ts";
import { type DrivenPage, openSession } from "./web-driver.ts";

/** A browser of another engine; its pages share what pages of one person share. */
export interface DrivenBrowser extends AsyncDisposable {
  openPage(url: string): Promise<DrivenPage>;
}

/** A browser that has not come up by then never will, however busy the machine is. */
const START_MS = 60_000;

/** Whether npm test has brought it. */
export function isBrowserHere(name: "firefox" | "webkit"): boolean {
  return existsSync(programOf(name));
}

/** Starts Firefox, by WebDriver BiDi. */
export async function startFirefox(): Promise<DrivenBrowser> {
  await using starting = new AsyncDisposableStack();
  const home = await openHome(starting);
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath: programOf("firefox"),
    headless: true,
    timeout: START_MS,
    env: { PATH: process.env["PATH"], HOME: home, MOZ_CRASHREPORTER_DISABLE: "1" },
  });
  starting.defer(() => browser.close());
  const owned = starting.move();
  return {
    async openPage(url) {
      const page = await browser.newPage();
      await page.goto(url);
      return {
        setCookie: (name, value) =>
          browser.setCookie({ name, value, domain: new URL(url).hostname, path: "/", httpOnly: true }),
        run: (body) => page.evaluate(`(() => {${body}})()`),
        close: () => page.close(),
      };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Starts WebKitGTK's small browser, by its WebDriver, on a display of its own. */
export async function startWebKit(): Promise<DrivenBrowser> {
  await using starting = new AsyncDisposableStack();
  const home = await openHome(starting);
  const webkit = programOf("webkit");
  const env = { HOME: home, XDG_RUNTIME_DIR: home };
  const display = startChild(webkit, ["Xvfb", "-displayfd", "1", "-nolisten", "tcp"], env);
  starting.defer(async () => void (await display.end("SIGTERM")));
  const number = await waitFor("a display", () => /^\d+$/m.exec(display.output())?.[0], START_MS);
  const port = await freePort();
  const driver = startChild(webkit, ["WebKitWebDriver", `--port=${port}`], {
    ...env,
    DISPLAY: `:${number}`,
    // Its sandbox is a namespace inside the one it runs in, and it opens nothing but our own pages.
    WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1",
  });
  starting.defer(async () => void (await driver.end("SIGTERM")));
  const capabilities = { "webkitgtk:browserOptions": { args: ["--automation"] } };
  const open = () => openSession(port, capabilities).catch(() => undefined);
  const session = starting.use(await waitFor("a WebKit session", open, START_MS));
  const owned = starting.move();
  return { openPage: (url) => session.openTab(url), [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** A home of its own for a browser, so that nobody's settings matter and nothing is left behind. */
async function openHome(stack: AsyncDisposableStack): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), "sluice-browser-"));
  stack.defer(() => rm(home, { recursive: true, force: true, maxRetries: 5 }));
  return home;
}

function programOf(name: "firefox" | "webkit"): string {
  return fileURLToPath(new URL(`../../../.sluice/bin/${name}`, import.meta.url));
}
