import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "#test/support/ports.ts";
import { type BrowserProfile, startBrowser, startProfile } from "#test/support/start-browser.ts";
import { startSite } from "#test/support/start-site.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";
import { everyTab, logInFrom, openTabs, tabsOf } from "#test/support/tabs.ts";
import { createTestCertificates } from "#test/support/tls.ts";

const STREAM = "/v1/stream?topic=push.>";
const ISSUER = { AUTH_ISSUER: "https://auth.sluice.example" };

const owned = new AsyncDisposableStack();
let stack: Stack;
let bus: Bus;
let browser: Browser;
let profile: BrowserProfile;
/** The origin of a host of the site. */
let at: (host: string) => string;

beforeAll(async () => {
  const port = await freePort();
  at = (host) => `https://${host}:${port}`;
  // Two hosts of one site: the cookies are the domain's.
  const origins = at("app.sluice.example");
  const shared = { ...ISSUER, AUTH_COOKIE_DOMAIN: "sluice.example" };
  stack = owned.use(
    await startStack({
      auth: { ...shared, AUTH_ALLOWED_ORIGINS: origins },
      policy: ISSUER,
      stream: { ...shared, STREAM_ALLOWED_ORIGINS: origins },
    }),
  );
  // Pages of another site: auth and the edge share a host, and its cookies go to other sites.
  const foreign = at("page.other.example");
  const open = { AUTH_COOKIE_DOMAIN: "", AUTH_COOKIE_SAME_SITE: "none", AUTH_COOKIE_PARTITIONED: "1" };
  const [auth, edge, plainAuth] = await Promise.all([
    stack.startAuth({ ...open, AUTH_ALLOWED_ORIGINS: foreign }),
    stack.startEdge({ ...open, STREAM_ALLOWED_ORIGINS: foreign }),
    stack.startAuth({ ...open, AUTH_COOKIE_PARTITIONED: "0", AUTH_ALLOWED_ORIGINS: foreign }),
  ]);
  const byPath = (login: number) => (path: string) => (path.startsWith("/v1/auth") ? login : edge.ports.http);
  const hosts = {
    "auth.sluice.example": () => stack.auth.ports.http,
    "stream.sluice.example": () => stack.edge.ports.http,
    "api.sluice.example": byPath(auth.ports.http),
    "plain.sluice.example": byPath(plainAuth.ports.http),
  };
  owned.use(await startSite(port, hosts, owned.use(await createTestCertificates())));
  bus = await stack.bus("demo");
  const names = { names: ["*.sluice.example", "*.other.example"] };
  [browser, profile] = await Promise.all([startBrowser(names), startProfile(names)]);
  owned.defer(() => browser.close());
  owned.use(profile);
});
afterAll(() => owned.disposeAsync());

/** A page of this host, in a browser without cookies, as a private window: pages of other sites share none. */
async function openPage(host: string, prepare?: (context: BrowserContext) => Promise<unknown>): Promise<Page> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  await prepare?.(context);
  return goTo(context, host);
}

async function goTo(context: BrowserContext, host: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(at(host));
  return page;
}

/** The names of the cookies with tokens that the browser keeps, each with its domain. */
async function cookiesOf(page: Page): Promise<string[]> {
  const cookies = (await page.context().cookies()).filter(({ name }) => name.endsWith("_token"));
  return cookies.map(({ name, domain }) => `${name} ${domain}`).toSorted((one, other) => one.localeCompare(other));
}

/** Listens in the page, and gets an event. */
async function hears(page: Page, streams: string, text: string): Promise<void> {
  await openTabs(page, at(streams) + STREAM, 1);
  await everyTab([page], "ready", ({ dispatched }) => dispatched.includes("ready"));
  await bus.publish("events.demo.push.event.k", text);
  await everyTab([page], "the event", ({ received }) => received.includes(text));
}

/** The page's cookies do not reach the edge: the stream is refused for good. */
async function hearsNothing(page: Page, streams: string): Promise<void> {
  await openTabs(page, at(streams) + STREAM, 1);
  await everyTab([page], "a refusal", ({ dispatched }) => dispatched.includes("error"));
  expect((await tabsOf(page)).flatMap(({ dispatched }) => dispatched)).not.toContain("ready");
}

describe("auth and the edge on two hosts of one site", { timeout: 120_000 }, () => {
  test("share the cookies of their domain, and a logout takes all of them back", async () => {
    const page = await openPage("app.sluice.example");
    expect(await logInFrom(page, at("auth.sluice.example"), "bob")).toBe(200);
    expect(await cookiesOf(page)).toEqual([
      "__Secure-auth_token .sluice.example",
      "__Secure-refresh_token .sluice.example",
    ]);
    await hears(page, "stream.sluice.example", "to a subdomain");
    const status = await page.evaluate(async (auth) => {
      return (await fetch(`${auth}/v1/auth/logout`, { method: "POST", credentials: "include" })).status;
    }, at("auth.sluice.example"));
    expect([status, await cookiesOf(page)]).toEqual([204, []]);
    await page.context().close();
  });

  test("are not shut out by what a neighbouring host plants, not even under many paths", async () => {
    const page = await openPage("app.sluice.example", async (context) => {
      const planted = { name: "__Secure-auth_token", value: "planted", domain: ".sluice.example", secure: true };
      const paths = ["/v1", "/v1/stream", "/v1/auth", "/v1/auth/sessions"];
      await context.addCookies(paths.map((path) => ({ ...planted, path })));
      await context.addCookies(
        ["auth", "stream"].map((host) => ({ ...planted, path: "/", domain: `${host}.sluice.example` })),
      );
    });
    expect(await logInFrom(page, at("auth.sluice.example"), "bob")).toBe(200);
    await hears(page, "stream.sluice.example", "in spite of plants");
    await page.context().close();
  });
});

describe("a page of another site", { timeout: 120_000 }, () => {
  test("listens by partitioned cookies where third-party cookies are off, and not by SameSite=None alone", async () => {
    const page = await openPage("page.other.example");
    expect(await logInFrom(page, at("plain.sluice.example"), "bob")).toBe(200);
    await hearsNothing(page, "plain.sluice.example");
    expect(await logInFrom(page, at("api.sluice.example"), "bob")).toBe(200);
    await hears(page, "api.sluice.example", "to another site, by a partition");
    await page.context().close();
  });

  test("listens by both where third-party cookies are on", async () => {
    const page = await goTo(profile.context, "page.other.example");
    for (const host of ["plain.sluice.example", "api.sluice.example"]) {
      expect(await logInFrom(page, at(host), "bob")).toBe(200);
      await hears(page, host, `to another site from ${host}`);
    }
  });

  test("gets nothing by Lax cookies", async () => {
    const page = await openPage("page.other.example");
    const login = await logInFrom(page, at("auth.sluice.example"), "bob").catch(() => "blocked by CORS");
    expect(login).toBe("blocked by CORS");
    expect(await cookiesOf(page)).toEqual([]);
    await page.context().close();
  });
});
