import type { Browser, Page } from "playwright-core";
import { waitFor } from "./wait.ts";

/** What a native EventSource, or a WebSocket, of a page has dispatched. */
export interface Tab {
  /** The data of the events. */
  readonly received: string[];
  /** The names of our own events, and `error`. */
  readonly dispatched: string[];
}

declare global {
  var tabs: Tab[];
}

/** A person with an access token, or one of the demo whom the page logs in itself. */
export type PageUser = { readonly token: string } | { readonly username: string };

/**
 * Opens a page over HTTP/2, whatever its certificate, as this person.
 * @throws when it came over HTTP/1.1, or the login is refused.
 */
export async function openSecurePage(browser: Browser, url: string, user: PageUser): Promise<Page> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  if ("token" in user) {
    const cookie = { name: "__Host-auth_token", value: user.token, url: new URL(url).origin };
    await context.addCookies([{ ...cookie, httpOnly: true, secure: true, sameSite: "Lax" }]);
  }
  const page = await context.newPage();
  await page.goto(url);
  const protocol = await page.evaluate(
    () => (performance.getEntries()[0] as unknown as { nextHopProtocol: string }).nextHopProtocol,
  );
  if (protocol !== "h2") throw new Error(`${url} came over ${protocol}`);
  const status = "username" in user ? await logInFrom(page, "", user.username) : 200;
  if (status !== 200) throw new Error(`the login at ${url} answered ${status}`);
  return page;
}

/** Logs a person of the demo in by the page's own script, at auth's origin (empty: the page's); answers the status. */
export function logInFrom(page: Page, origin: string, username: string): Promise<number> {
  return page.evaluate(
    async ([at, name]) => {
      const body = JSON.stringify({ tenant: "demo", username: name, password: "sluice-demo" });
      const headers = { "content-type": "application/json" };
      const login = { method: "POST", credentials: "include", headers, body } as const;
      return (await fetch(`${at}/v1/auth/login`, login)).status;
    },
    [origin, username] as const,
  );
}

/** Opens so many streams in the page. Like those of tabs, they share the browser's connections. */
export async function openTabs(page: Page, path: string, count: number): Promise<void> {
  await page.evaluate(
    ([url, many]) => {
      globalThis.tabs = Array.from({ length: many }, () => {
        // Of another origin the browser sends cookies only so.
        const source = new EventSource(url, { withCredentials: true });
        const tab: Tab = { received: [], dispatched: [] };
        source.addEventListener("message", ({ data }) => tab.received.push(String(data)));
        for (const event of ["ready", "busy", "gap", "reset", "error"]) {
          source.addEventListener(event, () => tab.dispatched.push(event));
        }
        return tab;
      });
    },
    [path, count] as const,
  );
}

/** Opens a stream in the page by a WebSocket: its tab stands for the page's tabs. */
export async function openSocketTab(page: Page, path: string): Promise<void> {
  await page.evaluate(
    (url) => {
      const socket = new WebSocket(url, ["sluice.v1"]);
      const tab: Tab = { received: [], dispatched: [] };
      socket.addEventListener("message", ({ data }) => {
        const frame = JSON.parse(String(data)) as { event?: string; data?: string };
        if (frame.event !== undefined) tab.dispatched.push(frame.event);
        else if (frame.data !== undefined) tab.received.push(frame.data);
      });
      socket.addEventListener("close", ({ code }) => tab.dispatched.push(String(code)));
      globalThis.tabs = [tab];
    },
    new URL(path, page.url()).href.replace(/^http/, "ws"),
  );
}

/** The tabs of a page, as they are now. */
export function tabsOf(page: Page): Promise<Tab[]> {
  return page.evaluate(() => globalThis.tabs);
}

/** Waits until something holds for every tab of these pages. */
export async function everyTab(pages: readonly Page[], what: string, holds: (tab: Tab) => boolean): Promise<void> {
  for (const page of pages) {
    let tabs: readonly Tab[] = [];
    const allHold = async (): Promise<boolean> => (tabs = await tabsOf(page)).every(holds);
    await waitFor(what, allHold).catch((error: Error) => {
      throw new Error(`${error.message}, at ${page.url()}: ${JSON.stringify(tabs)}`);
    });
  }
}
