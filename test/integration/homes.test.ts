import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEventStream } from "#test/support/event-stream.ts";
import { freePort } from "#test/support/ports.ts";
import { type Publish, publisherAt } from "#test/support/publisher.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";
import { startTcpProxy, type TcpProxy } from "#test/support/tcp-proxy.ts";
import { waitFor } from "#test/support/wait.ts";

/** Two homes with tenants and people of the same names, as two stacks; an edge and a publisher of the own one serve both. */
const ISSUER = { own: "http://home.test/own", eu: "http://home.test/eu" };

let folder: string;
let own: Stack;
let eu: Stack;
let edge: RunningService;
let publisher: RunningService;
let tokens: { readonly own: string; readonly eu: string };
let buses: { readonly own: Bus; readonly eu: Bus };
let euBus: TcpProxy;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-homes-"));
  const at = (issuer: string) => ({
    auth: { AUTH_ISSUER: issuer },
    policy: { AUTH_ISSUER: issuer },
    stream: { AUTH_ISSUER: issuer },
  });
  [own, eu] = await Promise.all([startStack(at(ISSUER.own)), startStack(at(ISSUER.eu))]);
  euBus = await startTcpProxy(eu.nats.port);
  const [homes, publishHomes] = await Promise.all([writeHomes("stream"), writeHomes("publish")]);
  const limits = { STREAM_CONNECTIONS_PER_SUBJECT: "1", REDIS_URL: own.redis.streamUrl };
  [edge, publisher] = await Promise.all([
    own.startEdge({ SLUICE_HOMES_FILE: homes, ...limits }),
    own.startPublish({ AUTH_ISSUER: ISSUER.own, SLUICE_HOMES_FILE: publishHomes }),
  ]);
  const logins = await Promise.all([own.login("alice"), eu.login("alice")]);
  tokens = { own: logins[0].access_token, eu: logins[1].access_token };
  buses = { own: await own.bus("demo"), eu: await eu.bus("demo") };
  await waitFor("the home is open", () => edge.child.output().includes("the home is open"));
});
afterAll(async () => {
  await Promise.all([own, eu, euBus].map((each) => each[Symbol.asyncDispose]()));
  await rm(folder, { recursive: true });
});

async function writeHomes(user: "stream" | "publish", natsPort = euBus.port): Promise<string> {
  const path = join(folder, `${user}-${natsPort}.yaml`);
  const home = {
    name: "eu",
    natsUrl: eu.nats.url(user).replace(`:${eu.nats.port}`, `:${natsPort}`),
    auth: `127.0.0.1:1,127.0.0.1:${eu.auth.ports.grpc}`,
    policy: `127.0.0.1:${eu.policy.ports.grpc}`,
    issuer: ISSUER.eu,
    jwksUrl: `${eu.authUrl}/.well-known/jwks.json`,
  };
  await writeFile(path, JSON.stringify([home]));
  return path;
}

const urlOf = (service: RunningService): string => `http://127.0.0.1:${service.ports.http}`;
const open = (token: string, at = edge) => openEventStream(`${urlOf(at)}/v1/stream?topic=issues.>`, { token });

/** Opens a stream of the one that a person may have: that of an earlier test may have its place for a moment. */
const openOne = (token: string, at = edge) =>
  waitFor("a stream opens", async () => {
    const stream = await open(token, at);
    const [first] = await waitFor("a frame", () => (stream.frames.length > 0 ? stream.frames : undefined));
    if (first?.event === "ready") return stream;
    await stream[Symbol.asyncDispose]();
    return undefined;
  });
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

test("a token opens the tenant of its own home, never the equally named one of another", async () => {
  await using ownStream = await openOne(tokens.own);
  await using euStream = await openOne(tokens.eu);
  await buses.own.publish("events.demo.issues.opened.k", "of the own home");
  await buses.eu.publish("events.demo.issues.opened.k", "of eu");
  expect(await ownStream.receive(1)).toEqual(["of the own home"]);
  expect(await euStream.receive(1)).toEqual(["of eu"]);
  const epochs = [ownStream, euStream].map((stream) => stream.lastId()?.split(".")[0]);
  expect(new Set(epochs).size).toBe(2);
});

test("what one home's person uses up is the other's to use, counted together with other edges or not", async () => {
  await using _ownStream = await openOne(tokens.own);
  await using _euStream = await openOne(tokens.eu);
  for (const token of [tokens.own, tokens.eu]) {
    await using second = await open(token);
    expect((await second.frame("busy")).data).toContain("subject_streams");
  }
});

test("calls about a stream reach it by a token of its home, in a header or in the body, and by no other", async () => {
  await using stream = await openOne(tokens.eu);
  const { connectionId } = JSON.parse((await stream.frame("ready")).data) as { connectionId: string };
  const call = (path: string, headers: Record<string, string>, body: object) =>
    fetch(`${urlOf(edge)}/v1/streams/${connectionId}/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  const change = { add: ["push.>"] };
  expect((await call("topics", bearer(tokens.own), change)).status).toBe(404);
  expect((await call("topics", bearer(tokens.eu), change)).status).toBe(200);
  expect((await call("token", {}, { access_token: tokens.own })).status).toBe(404);
  expect((await call("token", {}, { access_token: tokens.eu })).status).toBe(200);
  const presence = (token: string) =>
    fetch(`${urlOf(edge)}/v1/presence?topic=issues.opened`, { headers: bearer(token) }).then(({ status }) => status);
  expect(await presence(tokens.own)).toBe(await presence(tokens.eu));
});

describe.each(["the publisher", "the edge"])("an event that is published at %s", (door) => {
  test("is stored in the home that its token names", async () => {
    const publish: Publish = publisherAt(door === "the edge" ? edge : publisher);
    const logins = await Promise.all([own.login("carol"), eu.login("carol")]);
    const before = await Promise.all([endOf(own), endOf(eu)]);
    const key = door.replaceAll(" ", "-");
    for (const [place, { access_token: token }] of logins.entries()) {
      const data = place === 0 ? "own" : "eu";
      expect((await publish(token, { type: "issues.opened", key, data })).status).toBe(200);
    }
    const after = await Promise.all([endOf(own), endOf(eu)]);
    expect(after.map((seq, place) => seq - (before[place] ?? 0))).toEqual([1, 1]);
  });
});

async function endOf(stack: Stack): Promise<number> {
  const manager = await (await stack.bus("policy")).manager();
  return (await manager.streams.info("EVENTS_demo")).state.last_seq;
}

test("the lines of a service say whose tenant they are about", async () => {
  await using _euStream = await openOne(tokens.eu);
  const opened = (line: string) => line.includes('"msg":"a stream was opened"') && line.includes('"home":"eu"');
  await waitFor("the edge's line", () => edge.child.output().split("\n").some(opened));
  const refused = await publisherAt(publisher)(tokens.eu, { type: "unheard.of", key: "k", data: 1 });
  expect(refused.status).toBe(403);
  await waitFor("the publisher's line", () => publisher.child.output().includes('"tenant":"eu/demo"'));
});

test("a home that cannot be reached keeps the own one from nothing, is told by name, and is served once it is there", async () => {
  const port = await freePort();
  await using alone = await own.startEdge({ SLUICE_HOMES_FILE: await writeHomes("stream", port) });
  await using _ownStream = await openOne(tokens.own, alone);
  await using euStream = await open(tokens.eu, alone);
  expect([euStream.status, (await euStream.frame("busy")).data]).toEqual([200, expect.stringContaining("unavailable")]);
  const declared = { ...bearer(tokens.eu), accept: "text/event-stream", "x-sluice-client": "test" };
  expect((await fetch(`${urlOf(alone)}/v1/stream?topic=issues.>`, { headers: declared })).status).toBe(503);
  const readiness = await fetch(`http://127.0.0.1:${alone.ports.ops}/readyz`);
  expect([readiness.status, await readiness.json()]).toEqual([
    200,
    { ready: true, reasons: [{ code: "home_unusable", detail: expect.stringContaining("eu: ") as string }] },
  ]);
  await using _bus = await startTcpProxy(eu.nats.port, port);
  await waitFor("the home is open", () => alone.child.output().includes("the home is open"));
  await using again = await open(tokens.eu, alone);
  await again.frame("ready");
});

test("a home whose bus is lost later is told by name, and the own one goes on", async () => {
  euBus.set("reset");
  const detail = await waitFor("the reason", async () => {
    const readiness = await fetch(`http://127.0.0.1:${edge.ports.ops}/readyz`);
    return (
      readiness.status === 200 && ((await readiness.json()) as { reasons?: { detail: string }[] }).reasons?.[0]?.detail
    );
  });
  expect(detail).toContain("eu: NATS is out of reach");
  await using _ownStream = await openOne(tokens.own);
  euBus.set("pass");
  await using euStream = await openOne(tokens.eu);
  await buses.eu.publish("events.demo.issues.opened.k", "after the outage");
  expect(await euStream.receive(1)).toEqual(["after the outage"]);
});
