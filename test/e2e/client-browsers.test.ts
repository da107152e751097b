import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ensureClient } from "../../scripts/client/build-client.ts";
import { startBufferingProxy } from "#test/rigs/buffering-proxy.ts";
import { type DrivenBrowser, isBrowserHere, startFirefox, startWebKit } from "#test/support/browsers/driven-browser.ts";
import type { DrivenPage } from "#test/support/browsers/web-driver.ts";
import { readMetric } from "#test/support/read-metric.ts";
import { type ClientSite, serveClient } from "#test/support/serve-client.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";
import { startTcpProxy } from "#test/support/tcp-proxy.ts";
import { waitFor } from "#test/support/wait.ts";

/** The engines beside Chromium's, which other files have, and a person for each: their streams are counted by tenants. */
const ENGINES = {
  firefox: { start: startFirefox, tenant: "demo", username: "bob" },
  webkit: { start: startWebKit, tenant: "rival", username: "mallory" },
} as const;
const ALL = Object.keys(ENGINES) as (keyof typeof ENGINES)[];
const HERE = ALL.filter(isBrowserHere);

const PACKAGE = new URL("../../services/client/", import.meta.url);

/** A browser that runs, and the person who is before it. */
interface Seat {
  readonly name: string;
  readonly browser: DrivenBrowser;
  readonly tenant: string;
  readonly token: string;
  readonly bus: Bus;
}

let stack: Stack;
let site: ClientSite;
let seats: readonly Seat[];
const owner = new AsyncDisposableStack();

beforeAll(async () => {
  await ensureClient(() => {});
  site = owner.use(await serveClient({ file: (name) => fileURLToPath(new URL(name, PACKAGE)) }));
  const [started, ...browsers] = await Promise.all([
    startStack({ stream: { STREAM_ALLOWED_ORIGINS: site.origin } }),
    ...HERE.map((name) => ENGINES[name].start()),
  ]);
  stack = owner.use(started);
  for (const browser of browsers) owner.use(browser);
  seats = await Promise.all(browsers.map((browser, place) => takeSeat(HERE[place] ?? "firefox", browser)));
}, 180_000);
afterAll(() => owner.disposeAsync());

test.for(ALL.filter((name) => !HERE.includes(name)))(
  "%s is not on this machine: the client is not run in it",
  (_, { skip }) => skip(),
);

describe.runIf(HERE.length > 0)("in Firefox and WebKit, a page of another origin", { timeout: 180_000 }, () => {
  test("shares one stream among its tabs, and hands it over when the tab that has it is closed", () =>
    everywhere(async (seat) => {
      const tabs: DrivenPage[] = [];
      for (let tab = 0; tab < 3; tab += 1) tabs.push(await openTab(seat, stack.streamUrl));
      await becomeOneStream(seat);
      const lines = [await publish(seat, "to all")];
      for (const page of tabs) await shows(page, lines);
      const [first, ...others] = tabs;
      await first?.close();
      lines.push(await publish(seat, "behind the hand-over"));
      for (const page of others) await shows(page, lines);
      await becomeOneStream(seat);
      for (const page of others) await page.close();
    }));

  test.concurrent("goes on behind what it has after its connection was cut, and after it was offline", () =>
    everywhere(async (seat) => {
      await using network = await startTcpProxy(stack.edge.ports.http);
      const page = await openTab(seat, `http://127.0.0.1:${network.port}`);
      const lines = [await publish(seat, "cuts: first")];
      await shows(page, lines);
      network.set("reset");
      lines.push(await publish(seat, "cuts: while it was cut"));
      network.set("pass");
      await shows(page, lines);
      // The drivers have no switch for this: it is the event that the browsers dispatch.
      await page.run(`dispatchEvent(new Event("offline"))`);
      await waitFor("offline", async () => (await stateOf(page)) === "offline");
      lines.push(await publish(seat, "cuts: while it was offline"));
      await page.run(`dispatchEvent(new Event("online"))`);
      await shows(page, lines);
      await page.close();
    }));

  test.concurrent("polls behind a proxy that holds event streams back", () =>
    everywhere(async (seat) => {
      await using proxy = await startBufferingProxy(stack.edge.ports.http);
      const page = await openTab(seat, proxy.url);
      await shows(page, [await publish(seat, "polls: first")]);
      const asked = `return performance.getEntriesByType("resource").some(({ name }) => name.includes("/v1/poll?"))`;
      expect(await page.run(asked)).toBe(true);
      await page.close();
    }));
});

async function takeSeat(name: (typeof ALL)[number], browser: DrivenBrowser): Promise<Seat> {
  const { tenant, username } = ENGINES[name];
  const { access_token: token } = await stack.login(username, tenant);
  return { name, browser, tenant, token, bus: await stack.bus(tenant) };
}

/** Runs it in each engine at the same time. */
async function everywhere(run: (seat: Seat) => Promise<void>): Promise<void> {
  await Promise.all(
    seats.map((seat) =>
      run(seat).catch((cause: Error) => {
        throw new Error(`in ${seat.name}: ${cause.message}`, { cause });
      }),
    ),
  );
}

/** Opens the page, which finds the edge at that address, and waits until its stream is live. */
async function openTab({ browser, token }: Seat, url: string): Promise<DrivenPage> {
  const page = await browser.openPage(`${site.origin}/#${new URLSearchParams({ url, token }).toString()}`);
  await waitFor("live", async () => (await stateOf(page)) === "live");
  return page;
}

async function stateOf(page: DrivenPage): Promise<unknown> {
  return page.run(`return document.querySelector("output").value`);
}

/** A tab whose leader is too busy to answer within a second has a stream of its own for a while. */
function becomeOneStream({ tenant }: Seat): Promise<unknown> {
  const streams = (): Promise<number> => readMetric(stack.edge, `sluice_stream_tenant_connections{tenant="${tenant}"}`);
  return waitFor("one stream", async () => (await streams()) === 1);
}

/** Publishes an event; answers how a page shows it. */
async function publish({ bus, tenant }: Seat, text: string): Promise<string> {
  await bus.publish(`events.${tenant}.issues.opened.x`, JSON.stringify({ text }));
  return `issues.opened: ${JSON.stringify({ text })}`;
}

/** Waits until the page shows the last of these, and expects each once and in order, whatever other tests have published. */
async function shows(page: DrivenPage, lines: readonly string[]): Promise<void> {
  const shown = async (): Promise<string[]> => {
    const all = await page.run(`return Array.from(document.querySelectorAll("li"), (line) => line.textContent)`);
    return (all as string[]).filter((line) => lines.includes(line));
  };
  await waitFor("the last event", async () => (await shown()).at(-1) === lines.at(-1)).catch(() => {});
  expect(await shown()).toEqual(lines);
}
