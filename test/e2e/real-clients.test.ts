import { setTimeout as delay } from "node:timers/promises";
import { EventSource as NpmEventSource } from "eventsource";
import type { Browser } from "playwright-core";
import { Agent, EventSource as UndiciEventSource } from "undici";
import { afterAll, beforeAll, expect, test } from "vitest";
import { conclude } from "#test/support/checker/audit.ts";
import { type Ledger, monotonicMs } from "#test/support/checker/ledger.ts";
import { createProducer } from "#test/support/checker/producer.ts";
import type { Frame } from "#test/support/parse-frame.ts";
import { openRawStream } from "#test/support/raw-stream.ts";
import { startBrowser } from "#test/support/start-browser.ts";
import { type Stack, startStack } from "#test/support/start-stack.ts";
import { startTcpProxy, type TcpProxy } from "#test/support/tcp-proxy.ts";
import { waitFor } from "#test/support/wait.ts";

const EVENTS = ["message", "ready", "cursor", "gap", "reset"];
const PATH = "/v1/stream?topic=push.>";

let stack: Stack;
let network: TcpProxy;
let browser: Browser;
let token: string;

beforeAll(async () => {
  stack = await startStack({ stream: { SLUICE_DEMO: "1" } });
  network = await startTcpProxy(stack.edge.ports.http);
  browser = await startBrowser();
  token = (await stack.login("bob")).access_token;
});
afterAll(async () => {
  await browser.close();
  await network[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
});

/** Told of what a client dispatches. */
type Note = (event: string, id: string, text: string) => void;

/** Connects a client, and answers how it is closed. */
type Connect = (note: Note) => Promise<() => unknown>;

const CLIENTS: Readonly<Record<string, Connect>> = {
  async eventsource(note) {
    const authorized = (url: string | URL, init: RequestInit): Promise<Response> =>
      fetch(url, { ...init, headers: { ...(init.headers as object), authorization: `Bearer ${token}` } });
    return follow(new NpmEventSource(urlOf(network.port), { fetch: authorized }), note);
  },
  async undici(note) {
    const dispatcher = new Agent().compose((dispatch) => (options, handler) => {
      const headers = { ...(options.headers as object), authorization: `Bearer ${token}` };
      return dispatch({ ...options, headers }, handler);
    });
    return follow(new UndiciEventSource(urlOf(network.port), { node: { dispatcher } }), note);
  },
  async sockets(note) {
    const ending = new AbortController();
    void reconnect(note, ending.signal);
    return () => ending.abort();
  },
  async chromium(note) {
    const origin = `http://bob.localhost:${network.port}`;
    const context = await browser.newContext();
    await context.addCookies([{ name: "auth_token", value: token, url: origin, httpOnly: true, sameSite: "Lax" }]);
    const page = await context.newPage();
    await page.exposeFunction("note", note);
    await page.goto(`${origin}/demo`);
    await page.evaluate(
      ({ path, events }) => {
        const source = new EventSource(path);
        for (const event of events) {
          source.addEventListener(event, (dispatched) => {
            const { lastEventId, data } = dispatched as MessageEvent;
            (globalThis as unknown as { note: Note }).note(event, lastEventId, String(data));
          });
        }
      },
      { path: PATH, events: EVENTS },
    );
    return () => context.close();
  },
};

test("clients that people use resume by themselves, without loss, after a reset network and a killed edge", async () => {
  const ledger: Ledger = [];
  const readies = new Map<string, number>();
  const connecting = Object.entries(CLIENTS).map(async ([client, connect]) => {
    ledger.push({ of: "opened", client, tenant: "demo", connection: client, at: monotonicMs() });
    return connect((event, id, text) => {
      ledger.push({ of: "received", client, connection: client, event, id, text, at: monotonicMs() });
      if (event === "ready") readies.set(client, (readies.get(client) ?? 0) + 1);
    });
  });
  const closing = await Promise.all(connecting);
  const allReady = (times: number): Promise<unknown> =>
    waitFor(
      `every client is ready for the ${times}. time: ${JSON.stringify([...readies])}`,
      () => Object.keys(CLIENTS).every((client) => (readies.get(client) ?? 0) >= times),
      20_000,
    );
  await allReady(1);
  const producer = createProducer(await stack.bus("demo"), "demo", ledger);
  const publishing = producer.publishSteadily(["push.event.k"], "event", 20);

  network.set("reset");
  network.set("pass");
  await allReady(2);
  await stack.edge.child.end("SIGKILL");
  await using _again = await stack.startEdge({ STREAM_HTTP_PORT: String(stack.edge.ports.http) });
  await allReady(3);
  await publishing.stop();
  await producer.publish("push.event.k", "end");
  for (const client of Object.keys(CLIENTS)) {
    ledger.push({ of: "complete", client, text: "end" });
    await waitFor(`the end at ${client}`, () =>
      ledger.some((entry) => entry.of === "received" && entry.client === client && entry.text === "end"),
    );
  }
  for (const close of closing) await close();
  expect(conclude(ledger)).toMatchObject({ gaps: 0, resets: 0 });
}, 90_000);

/** What an EventSource does, over bare sockets. */
async function reconnect(note: Note, ending: AbortSignal): Promise<void> {
  let lastEventId: string | undefined;
  const onFrame = ({ event, id, data }: Frame): void => {
    lastEventId = id ?? lastEventId;
    note(event, lastEventId ?? "", data);
  };
  while (!ending.aborted) {
    const stream = openRawStream({
      port: network.port,
      localAddress: "127.0.0.2",
      path: PATH,
      token,
      lastEventId,
      onFrame,
    });
    ending.addEventListener("abort", () => stream.kill());
    await stream.closed;
    await delay(100);
  }
}

function follow(source: NpmEventSource | UndiciEventSource, note: Note): () => void {
  const target: EventTarget = source;
  for (const event of EVENTS) {
    target.addEventListener(event, (dispatched) => {
      const { lastEventId, data } = dispatched as Event & { lastEventId: string; data: string };
      note(event, lastEventId, data);
    });
  }
  return () => source.close();
}

function urlOf(port: number): string {
  return `http://127.0.0.1:${port}${PATH}`;
}
