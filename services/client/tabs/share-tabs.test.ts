import { afterEach, expect, test } from "vitest";
import { waitFor } from "../../../test/support/wait.ts";
import { connectIn } from "../connect.ts";
import { ownEnvironment } from "../environment/own-environment.ts";
import type { StreamOptions } from "../options.ts";
import type { SluiceStream } from "../sluice-stream.ts";
import { createFakeEdge, type FakeEdge } from "../testing/fake-edge.ts";

const open: SluiceStream[] = [];
afterEach(() => {
  for (const stream of open.splice(0)) stream.close();
});

/** An unsigned token: what it says of itself is all that a client looks at. */
function tokenWith(claims: object): string {
  const said = { sub: "ann", tenant_id: "demo", sid: "one", exp: 32_000_000_000, jti: String(open.length), ...claims };
  return `x.${Buffer.from(JSON.stringify(said)).toString("base64url")}.x`;
}

interface TestTab {
  readonly stream: SluiceStream;
  readonly shown: unknown[];
}

/** A tab of the browser that this process is. */
async function openTab(edge: FakeEdge, options: Partial<StreamOptions>): Promise<TestTab> {
  const shown: unknown[] = [];
  const own = ownEnvironment();
  let skippedMs = 0;
  const environment = {
    ...own,
    hasTabs: true,
    fetch: edge.fetch,
    now: () => own.now() + skippedMs,
    /** Pauses take no time. A leader that does not answer is waited for. */
    after(ms: number, callback: () => void) {
      if (ms >= PATIENCE_MS) return own.after(ms, callback);
      skippedMs += ms;
      return own.after(0, callback);
    },
  };
  const stream = connectIn(environment, {
    // Tabs of other tests have other edges.
    url: `https://${edgeName}.test`,
    topics: ["order.>"],
    onGap: "ignore",
    onReset: "ignore",
    onDegraded: "ignore",
    ...options,
  });
  open.push(stream);
  void (async () => {
    for await (const { data } of stream) shown.push(data);
  })().catch(() => {});
  await waitFor("a live tab", () => stream.state.name === "live");
  return { stream, shown };
}

const PATIENCE_MS = 1_000;

let edgeName = "";

function newEdge(): FakeEdge {
  edgeName = `edge-${crypto.randomUUID()}`;
  return createFakeEdge("ann");
}

async function show(expected: readonly unknown[], ...tabs: readonly TestTab[]): Promise<void> {
  for (const { shown } of tabs) {
    await waitFor(JSON.stringify(expected), () => shown.length >= expected.length);
    expect(shown).toEqual(expected);
  }
}

test("tabs whose tokens allow the same share a stream, whichever token it is; others do not", async () => {
  const edge = newEdge();
  const tabs = [
    await openTab(edge, { token: tokenWith({}) }),
    await openTab(edge, { token: tokenWith({ exp: 33e9 }) }),
  ];
  expect(edge.streams).toHaveLength(1);
  tabs.push(await openTab(edge, { token: tokenWith({ scope: "order:read" }) }));
  expect(edge.streams).toHaveLength(2);
  tabs.push(await openTab(edge, { token: tokenWith({ sid: "two" }) }));
  expect(edge.streams).toHaveLength(3);
  edge.emit("order.created.1", 1);
  await show([1], ...tabs);
});

test("a token that says nothing of itself is not shared, nor is a stream of other topics or another beginning", async () => {
  const edge = newEdge();
  await openTab(edge, { token: "opaque" });
  await openTab(edge, { token: "opaque" });
  const token = tokenWith({});
  await openTab(edge, { token });
  await openTab(edge, { token, topics: ["invoice.>"] });
  await openTab(edge, { token, from: "earliest" });
  await openTab(edge, { token, share: false });
  await openTab(edge, { token, client: "tab-1" });
  expect(edge.streams).toHaveLength(7);
});

test("tabs with cookies share where the edge takes the cookie for the leader's connection", async () => {
  const edge = newEdge();
  const first = await openTab(edge, { credentials: "include" });
  const second = await openTab(edge, { credentials: "include" });
  expect(edge.streams).toHaveLength(1);
  edge.refuse("/v1/streams/fake-1/token", "not_found");
  const third = await openTab(edge, { credentials: "include" });
  expect(edge.streams).toHaveLength(2);
  edge.emit("order.created.1", 1);
  await show([1], first, second, third);
});

test("a tab that subscribes goes over to those who ask for the same, and the others see nothing of it", async () => {
  const edge = newEdge();
  const token = tokenWith({});
  const [first, second] = [await openTab(edge, { token }), await openTab(edge, { token })];
  const change = await second.stream.subscribe(["invoice.paid.*"]);
  expect(change.topics.map(({ topic }) => topic)).toEqual(["order.>", "invoice.paid.*"]);
  expect(edge.streams).toEqual([["order.>"], ["order.>", "invoice.paid.*"]]);
  edge.emit("invoice.paid.1", "paid");
  edge.emit("order.created.1", "created");
  await show(["created"], first);
  await show(["paid", "created"], second);
  await first.stream.subscribe(["invoice.paid.*"]);
  await waitFor("one stream", () => edge.streams.length === 1);
  edge.emit("invoice.paid.2", "again");
  await show(["created", "again"], first);
  await show(["paid", "created", "again"], second);
});

test("a subscription that the edge refuses fails with its code, and the tab goes on", async () => {
  const edge = newEdge();
  const tab = await openTab(edge, { token: tokenWith({}) });
  edge.refuse("/v1/stream", "limit_exceeded");
  await expect(tab.stream.subscribe(["invoice.paid.*"])).rejects.toMatchObject({ code: "limit_exceeded" });
  await edge.opened();
  edge.emit("order.created.1", 1);
  await show([1], tab);
  expect(edge.streams).toEqual([["order.>"]]);
});

test("a tab that goes over while the edge is busy is behind, for it has shown something", async () => {
  const edge = newEdge();
  const tab = await openTab(edge, { token: tokenWith({}) });
  const states: string[] = [];
  tab.stream.onState(({ name }) => states.push(name));
  edge.busy();
  await tab.stream.subscribe(["invoice.paid.*"]);
  await waitFor("a live tab", () => tab.stream.state.name === "live");
  expect(states).toContain("behind");
  expect(states).not.toContain("connecting");
});

test("changes that are asked for at the same time are made one after the other: a refused one takes back its own topics alone", async () => {
  const edge = newEdge();
  const tab = await openTab(edge, { token: tokenWith({}) });
  edge.refuse("/v1/stream", "limit_exceeded");
  const [refused, made] = await Promise.allSettled([
    tab.stream.subscribe(["invoice.paid.*"]),
    tab.stream.subscribe(["offer.made.*"]),
  ]);
  expect(refused).toMatchObject({ status: "rejected", reason: { code: "limit_exceeded" } });
  expect(made.status).toBe("fulfilled");
  expect(edge.streams).toEqual([["order.>", "offer.made.*"]]);
});

test("a tab whose token becomes another person's goes over to the tabs of that one, behind what it has shown", async () => {
  const edge = newEdge();
  let sub = "ann";
  const first = await openTab(edge, { token: async () => tokenWith({ sub }) });
  const second = await openTab(edge, { token: tokenWith({}) });
  edge.emit("order.created.1", 1);
  await show([1], first, second);
  sub = "bob";
  edge.refuse("/v1/stream", "token_expired");
  edge.cut();
  await edge.opened(2);
  const third = await openTab(edge, { token: tokenWith({ sub }) });
  await waitFor("two streams", () => edge.streams.length === 2);
  edge.emit("order.created.2", 2);
  await show([1, 2], first, second);
  await show([2], third);
});

test("a tab that comes while delivery stands still is told so, as those were that had come before", async () => {
  const edge = newEdge();
  const token = tokenWith({});
  await openTab(edge, { token });
  edge.degraded("log");
  const heard: unknown[] = [];
  const opening = openTab(edge, { token, onDegraded: (said) => void heard.push(said) });
  await waitFor("the tab is told", () => heard.length > 0);
  edge.recovered("log");
  await opening;
  expect(heard).toEqual([{ reason: "log" }]);
  expect(edge.streams).toHaveLength(1);
});
