import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { changeRoles, erase } from "#test/support/checker/administrator.ts";
import { audit } from "#test/support/checker/audit.ts";
import { startRun } from "#test/support/checker/start-run.ts";
import { openEventStream } from "#test/support/event-stream.ts";
import { freeze, thaw } from "#test/support/freeze.ts";
import { publisherAt } from "#test/support/publisher.ts";
import { requireOk } from "#test/support/require-ok.ts";
import { type RegionEdges, startRegionEdges } from "#test/support/start-region-edges.ts";
import { becomesReady } from "#test/support/start-regions.ts";
import { sluice } from "#test/support/run-sluice.ts";
import { amountOf, timeoutOf } from "../soak/amount.ts";
import type { Bus } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";

const HOPS = amountOf("roam", 8);
const IS_SOAK = amountOf("roam", 0) > 0;
/** A link that a busy machine has let go is linked again, and its mirrors are fed, within this. */
const PATIENCE_MS = 30_000;
const TOPICS = "topic=push.>&topic=issues.>";

let world: RegionEdges;
let producer: Bus;
let urls: ReturnType<RegionEdges["urls"]>;
let bob: string;
let carol: string;

beforeAll(async () => {
  // A soak takes longer than a token lives otherwise.
  world = await startRegionEdges({ auth: { AUTH_ACCESS_TOKEN_SECONDS: "3600", AUTH_SESSION_SECONDS: "86400" } });
  producer = await world.producer();
  urls = world.urls(TOPICS);
  bob = (await world.login("bob")).access_token;
  carol = (await world.login("carol")).access_token;
  await waitFor("us serves home eu", async () => {
    await using stream = await openEventStream(urls.us, { token: carol });
    const [frame] = await waitFor("a frame", () => (stream.frames.length > 0 ? stream.frames : undefined));
    return frame?.event === "ready";
  });
}, 90_000);
afterAll(() => world[Symbol.asyncDispose]());

test(
  "clients that roam between the regions get every event once, under the same ids",
  async () => {
    const both = [urls.eu, urls.us];
    await using run = await startRun(producer, 3, { tenant: "demo", token: carol, urls: both });
    const steady = run.producer.publishSteadily(["push.event.k", "issues.opened.k"], "roam", 10);
    for (let hop = 0; hop < HOPS; hop += 1) {
      await waitFor(
        "the reader is there",
        () => run.readers.every(({ connections }) => connections >= hop),
        PATIENCE_MS,
      );
      for (const [place, reader] of run.readers.entries()) {
        const seen = reader.frames.length;
        await waitFor("frames come", () => reader.frames.length > seen + place, PATIENCE_MS);
        reader.hop();
      }
    }
    await steady.stop();
    await run.end();
    const account = audit(run.ledger);
    expect(account).toMatchObject({ lost: 0, duplicates: 0, outOfOrder: 0, gaps: 0, resets: 0, uncaused: 0 });
    expect(account.delivered).toBeGreaterThan(HOPS);
  },
  timeoutOf(120_000),
);

test("a right that is taken away in its home lets nothing through in the other region", async () => {
  await using run = await startRun(producer, 0, { tenant: "demo", token: bob, urls: [urls.us] });
  const client = "bob in us";
  const reader = await run.join(client);
  const change = (roles: readonly string[], topics: readonly string[]) =>
    changeRoles(world, run.ledger, { subject: "bob", roles, clients: [client] }, topics);
  for (let round = 0; round < 10; round += 1) {
    await change(["maintainer"], ["push.>", "issues.>"]);
    await run.producer.publish("push.event.k", `allowed ${round}`);
    await reader.frame(({ data }) => data === `allowed ${round}`);
    await change(["triager"], ["issues.>"]);
    await run.producer.publish("push.event.k", `secret ${round}`);
    await run.producer.publish("issues.opened.k", `past ${round}`);
    await reader.frame(({ data }) => data === `past ${round}`);
  }
  await reader.complete("past 9");
  expect(audit(run.ledger)).toMatchObject({ lost: 0, afterRevoke: 0, duplicates: 0, uncaused: 0 });
});

test("a right that is taken away while the link is cut lets nothing through when it is back", async () => {
  await using run = await startRun(producer, 0, { tenant: "demo", token: bob, urls: [urls.us] });
  const client = "bob in us";
  const change = (roles: readonly string[], topics: readonly string[]) =>
    changeRoles(world, run.ledger, { subject: "bob", roles, clients: [client] }, topics);
  await change(["maintainer"], ["push.>", "issues.>"]);
  const reader = await run.join(client);
  await run.producer.publish("push.event.k", "allowed before the cut");
  await reader.frame(({ data }) => data === "allowed before the cut");
  world.link("reset");
  await run.producer.publish("push.event.k", "allowed within the cut");
  await change(["triager"], ["issues.>"]);
  await run.producer.publish("push.event.k", "secret");
  await run.producer.publish("issues.opened.k", "past the secret");
  world.link("pass");
  await reader.complete("past the secret");
  // What a cut may not bring about, and which it was.
  const interruptions = run.ledger.filter((each) => each.of === "received" && /^(gap|reset)$/.test(each.event));
  expect(interruptions).toEqual([]);
  expect(audit(run.ledger)).toMatchObject({ lost: 0, afterRevoke: 0, duplicates: 0, uncaused: 0 });
});

test("what is erased in its home is served by no edge of the other region, though the mirror has it yet, and its holes are told", async () => {
  await using live = await openEventStream(urls.us, { token: carol });
  const { id: before } = await live.frame("ready");
  if (before === undefined) throw new Error("the stream has no place");
  for (const [key, text] of [
    ["keep", "a"],
    ["gone", "erased"],
    ["keep", "b"],
  ] as const) {
    await producer.publish(`events.demo.push.event.${key}`, text);
  }
  expect(await live.receive(3)).toEqual(["a", "erased", "b"]);
  const standby = world.regions.eu.us.policy!.child.process;
  // Nobody purges the mirror then.
  await freeze(standby);
  try {
    await erase(world, [], "demo", "push.event.gone");
    await producer.publish("events.demo.push.event.keep", "c");
    expect(await live.receive(4)).toEqual(["a", "erased", "b", "c"]);
    await using late = await world.startEdge("us");
    const lateUrl = `http://127.0.0.1:${late.ports.http}/v1/stream?${TOPICS}`;
    await waitFor("its home is open", () => late.child.output().includes("the home is open"));
    for (const url of [urls.us, lateUrl]) {
      await using again = await openEventStream(url, { token: carol, lastEventId: before });
      expect(await again.receive(3)).toEqual(["a", "b", "c"]);
      expect(again.raw()).not.toContain("data: erased");
      const told = again.frames.filter(({ event }) => event === "gap").map(({ data }) => JSON.parse(data) as object);
      expect(told).toMatchObject([{ reason: "erased" }]);
    }
    const manager = await (await world.regions.bus("us", "eu", "policy")).manager();
    const { state } = await manager.streams.info("EVENTS_demo", { subjects_filter: "events.demo.push.event.gone" });
    expect(state.subjects).toEqual({ "events.demo.push.event.gone": 1 });
  } finally {
    thaw(standby);
  }
});

test("a session that ends in its home ends the stream in the other region", async () => {
  const { access_token: token } = await world.login("bob");
  await using stream = await openEventStream(urls.us, { token });
  await stream.frame("ready");
  const headers = { authorization: `Bearer ${token}` };
  await requireOk(fetch(`${world.regions.eu.eu.authUrl}/v1/auth/logout`, { method: "POST", headers }));
  expect((await stream.frame("auth_error")).data).toContain("revoked");
});

test("what only the home's own region serves is refused elsewhere, with the region's name", async () => {
  const at = `http://127.0.0.1:${world.edges.us.ports.http}`;
  const headers = { authorization: `Bearer ${carol}`, "content-type": "application/json" };
  const refused = await Promise.all([
    fetch(`${at}/v1/subscriptions/mine`, { method: "PUT", headers, body: JSON.stringify({ topics: ["push.>"] }) }),
    fetch(`${at}/v1/presence?topic=push.event`, { headers }),
    fetch(`${at}/v1/stream?subscription=mine`, { headers: { ...headers, accept: "text/event-stream" } }),
  ]);
  for (const response of refused) {
    expect([response.status, await response.json()]).toEqual([
      409,
      expect.objectContaining({ code: "wrong_region", detail: expect.stringContaining("region eu") as string }),
    ]);
  }
  const { regions } = (await (await fetch(`${at}/v1/capabilities`)).json()) as { regions: object[] };
  expect(regions).toEqual([
    { name: "eu", url: "https://eu.example.com" },
    { name: "us", url: "https://us.example.com", here: true },
  ]);
});

test.each(IS_SOAK ? (["reset", "blackhole"] as const) : (["reset"] as const))(
  "events published in the other region are stored once in the home, and refused in time while the link is cut (%s)",
  async (mode) => {
    const publish = publisherAt(world.publishers.us);
    const policy = await (await world.regions.bus("eu", "eu", "policy")).manager();
    const end = async () => (await policy.streams.info("EVENTS_demo")).state.last_seq;
    const eventOf = (id: string) => ({ id: `${mode} ${id}`, type: "issues.opened", key: "k", data: { id } });
    const batch = [eventOf("b1"), eventOf("b2"), eventOf("b3")];
    const before = await end();
    await using here = await openEventStream(urls.us, { token: carol });
    await here.frame("ready");
    expect((await publish(carol, eventOf("one"))).status).toBe(200);
    expect((await publish(carol, batch)).status).toBe(200);
    expect(await end()).toBe(before + 4);
    await here.receive(4);
    const told = here.frames.length;
    world.link(mode);
    for (const events of [eventOf("two"), [eventOf("c1"), eventOf("c2")]]) {
      const answer = await waitFor("the cut is noticed", async () => {
        const given = await publish(carol, events);
        expect(given.status).toBe(503);
        return given.body["code"] === "region_unreachable" ? given : undefined;
      });
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    }
    world.link("pass");
    const stored = async (events: object) => (await publish(carol, events)).status === 200;
    await waitFor("the link is there again", () => stored(eventOf("two")));
    expect(await stored([eventOf("c1"), eventOf("c2"), eventOf("two")])).toBe(true);
    await waitFor("the events come in us", () => here.events().length === 7);
    expect(await end()).toBe(before + 7);
    const frames = here.frames.slice(told).map(({ event }) => event);
    expect(frames.filter((event) => event !== "degraded" && event !== "recovered")).toEqual(Array(3).fill("message"));
  },
  timeoutOf(120_000),
);

/** Gives the seat to us and has eu mirror it, as people do; the processes that end are started by their supervisor. */
async function moveSeat(): Promise<void> {
  const env = { SLUICE_REGIONS: world.operatorUrls().join(" ") };
  const folder = await mkdtemp(join(tmpdir(), "sluice-tails-"));
  await using owner = new AsyncDisposableStack();
  owner.defer(() => rm(folder, { recursive: true }));
  const region = async (...args: string[]) => {
    const { code, err } = await sluice(["region", ...args], { env });
    expect([code, code === 0 ? [] : err]).toEqual([0, []]);
  };
  await region("promote", "us");
  await becomesReady(world.regions.eu.us.ports.policy);
  const { eu } = world.regions.eu;
  await Promise.all([eu.start("auth"), eu.start("policy"), region("rejoin", "eu", "--out", folder, "--yes")]);
}

test(
  "clients that are held at edges of both regions go on when the seat has moved and the old region mirrors it, and so do new ones",
  async () => {
    await using run = await startRun(producer, 0, { tenant: "demo", token: carol, urls: [] });
    const readers = await Promise.all((["eu", "us"] as const).map((each) => run.join(each, { urls: [urls[each]] })));
    await run.producer.publish("push.event.k", "before");
    await run.reach("before");
    await moveSeat();
    await run.producer.publish("push.event.k", "after");
    const starting = world.startEdge("eu");
    for (const reader of readers) await reader.complete("after");
    expect(readers.map(({ connections }) => connections)).toEqual([0, 0]);
    expect(audit(run.ledger)).toMatchObject({
      lost: 0,
      duplicates: 0,
      outOfOrder: 0,
      gaps: 0,
      resets: 0,
      uncaused: 0,
    });
    await using late = await starting;
    const { access_token: token } = await world.regions.eu.us.login("carol");
    await using stream = await openEventStream(`http://127.0.0.1:${late.ports.http}/v1/stream?${TOPICS}`, { token });
    await stream.frame("ready");
  },
  timeoutOf(120_000),
);
