import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { changeRoles } from "#test/support/checker/administrator.ts";
import { audit } from "#test/support/checker/audit.ts";
import { type Run, startRun } from "#test/support/checker/start-run.ts";
import { openEventStream } from "#test/support/event-stream.ts";
import { publisherAt } from "#test/support/publisher.ts";
import { type RegionEdges, startRegionEdges } from "#test/support/start-region-edges.ts";
import { amountOf, timeoutOf } from "../soak/amount.ts";
import type { Bus } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";

const HOPS = amountOf("roam", 8);
const CUTS = amountOf("region-cuts", 0);
const TOPICS = "topic=push.>&topic=issues.>";

let world: RegionEdges;
let producer: Bus;
let urls: ReturnType<RegionEdges["urls"]>;
let bob: string;
let carol: string;

beforeAll(async () => {
  world = await startRegionEdges();
  producer = await world.producer();
  urls = world.urls(TOPICS);
  bob = (await world.login("bob")).access_token;
  carol = (await world.login("carol")).access_token;
  await waitFor(
    "us serves home eu",
    async () => {
      await using stream = await openEventStream(urls.us, { token: carol });
      const [frame] = await waitFor("a frame", () => (stream.frames.length > 0 ? stream.frames : undefined));
      return frame?.event === "ready";
    },
    30_000,
  );
}, 90_000);
afterAll(() => world[Symbol.asyncDispose]());

test(
  "clients that roam between the regions get every event once, under the same ids",
  async () => {
    const both = [urls.eu, urls.us];
    await using run = await startRun(producer, 3, { tenant: "demo", token: carol, urls: both });
    const steady = run.producer.publishSteadily(["push.event.k", "issues.opened.k"], "roam", 10);
    for (let hop = 0; hop < HOPS; hop += 1) {
      await waitFor("the reader is there", () => run.readers.every(({ connections }) => connections >= hop));
      for (const [place, reader] of run.readers.entries()) {
        const seen = reader.frames.length;
        await reader.frame((frame) => reader.frames.indexOf(frame) > seen + place);
        reader.hop();
      }
    }
    await steady.stop();
    await run.end();
    const account = audit(run.ledger);
    expect(account).toMatchObject({ lost: 0, duplicates: 0, outOfOrder: 0, gaps: 0, resets: 0, uncaused: 0 });
    expect(account.delivered).toBeGreaterThan(HOPS);
  },
  timeoutOf(60_000),
);

test.runIf(CUTS > 0)(
  "a link that is cut for 5 s is told as nothing, for 12 s as a region that is held back and comes again, one way or both; all come once",
  async () => {
    for (let round = 0; round < CUTS; round += 1) {
      for (const [mode, seconds] of [
        ["reset", 4],
        ["blackhole", 4],
        ["reset", 12],
        ["blackhole", 12],
        ["one-way", 12],
      ] as const) {
        await using run = await startRun(producer, 1, { tenant: "demo", token: carol, urls: [urls.us] });
        const steady = run.producer.publishSteadily(["push.event.k"], `cut ${round} ${mode} ${seconds}`, 50);
        const [reader] = run.readers;
        await run.producer.publish("push.event.k", `before ${round} ${mode} ${seconds}`);
        await run.reach(`before ${round} ${mode} ${seconds}`);
        world.link(mode);
        await delay(seconds * 1_000);
        world.link("pass");
        await steady.stop();
        await reader?.complete(await lastOf(run), 120_000);
        const told = (reader?.frames ?? []).filter(({ event }) => event === "degraded" || event === "recovered");
        const said = told.map(({ event, data }) => `${event} ${(JSON.parse(data) as { reason: string }).reason}`);
        expect(said).toEqual(seconds < 5 ? [] : ["degraded region", "recovered region"]);
        expect(audit(run.ledger)).toMatchObject({ lost: 0, duplicates: 0, outOfOrder: 0, gaps: 0, resets: 0 });
      }
    }
  },
  timeoutOf(60_000),
);

/** Publishes a last event, and answers its text. */
async function lastOf(run: Run): Promise<string> {
  const text = `the end ${randomUUID()}`;
  await run.producer.publish("push.event.k", text);
  return text;
}

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

test("a session that ends in its home ends the stream in the other region", async () => {
  const { access_token: token } = await world.login("bob");
  await using stream = await openEventStream(urls.us, { token });
  await stream.frame("ready");
  const headers = { authorization: `Bearer ${token}` };
  await fetch(`${world.regions.eu.eu.authUrl}/v1/auth/logout`, { method: "POST", headers });
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

test("events published in the other region are stored once in the home, and refused at once while the link is cut", async () => {
  const publish = publisherAt(world.publishers.us);
  const policy = await (await world.regions.bus("eu", "eu", "policy")).manager();
  const end = async () => (await policy.streams.info("EVENTS_demo")).state.last_seq;
  const eventOf = (id: string) => ({ id, type: "issues.opened", key: "k", data: { id } });
  const batch = [eventOf("b1"), eventOf("b2"), eventOf("b3")];
  const before = await end();
  expect((await publish(carol, eventOf("one"))).status).toBe(200);
  expect((await publish(carol, batch)).status).toBe(200);
  expect(await end()).toBe(before + 4);
  await using here = await openEventStream(urls.us, { token: carol });
  await here.frame("ready");
  world.link("reset");
  const told = here.frames.length;
  for (const events of [eventOf("two"), [eventOf("c1"), eventOf("c2")]]) {
    const answer = await waitFor("the cut is noticed", async () => {
      const given = await publish(carol, events);
      return given.body["code"] === "region_unreachable" ? given : undefined;
    });
    expect([answer.status, Number(answer.headers.get("retry-after"))]).toEqual([503, expect.any(Number)]);
  }
  world.link("pass");
  const stored = async (events: object) => (await publish(carol, events)).status === 200;
  await waitFor("the link is there again", () => stored(eventOf("two")));
  expect(await stored([eventOf("c1"), eventOf("c2"), eventOf("two")])).toBe(true);
  await waitFor("the events come in us", () => here.events().length === 3);
  expect(await end()).toBe(before + 7);
  expect(here.frames.slice(told).map(({ event }) => event)).toEqual(["message", "message", "message"]);
});
