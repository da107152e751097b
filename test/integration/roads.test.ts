import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { Transport } from "#shared/protocol/transports.ts";
import { noteRights } from "#test/support/checker/administrator.ts";
import { conclude } from "#test/support/checker/audit.ts";
import type { LedgerReader } from "#test/support/checker/reader.ts";
import { startRun } from "#test/support/checker/start-run.ts";
import { openRoad, type RoadOptions, type RoadStream } from "#test/support/open-road.ts";
import { readMetric } from "#test/support/read-metric.ts";
import { requireOk } from "#test/support/require-ok.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";
import { subscriberAt } from "#test/support/subscriptions.ts";
import { waitFor } from "#test/support/wait.ts";

/** The roads of this file. What is tested of one is tested of each. */
const ROADS = ["sse", "ndjson", "websocket"] as const satisfies Transport[];

let stack: Stack;
let demo: Bus;
let token: string;

beforeAll(async () => {
  stack = await startStack({ stream: { STREAM_WORKERS: "2" } });
  demo = await stack.bus("demo");
  token = (await stack.login("bob")).access_token;
});
afterAll(() => stack[Symbol.asyncDispose]());

const open = (road: Transport, query = "topic=push.>", options: RoadOptions = {}): Promise<RoadStream> =>
  openRoad(road, `${stack.streamUrl}/v1/stream?${query}`, { token, ...options });

test("every road gives each client everything once and in order, also one that takes another road each time", async () => {
  const urls = [`${stack.streamUrl}/v1/stream?topic=push.>`];
  await using run = await startRun(demo, 0, { tenant: "demo", token, urls });
  const roads = [...ROADS, "poll"] as const;
  for (const road of roads) await run.join(road, { roads: [road] });
  await run.join("changing", { roads });
  for (const client of [...roads, "changing"]) noteRights(run.ledger, client, ["push.>"]);
  const steady = run.producer.publishSteadily(["push.event.k"], "event", 4);
  // By then one of them has been back by each road, in both orders of any two.
  for (let hops = 0; hops < 6; hops += 1) await Promise.all(run.readers.map(comeBack));
  await steady.stop();
  await run.end();
  const account = conclude(run.ledger);
  expect(account).toMatchObject({ lost: 0, duplicates: 0, outOfOrder: 0, gaps: 0, resets: 0 });
  expect(account.delivered).toBeGreaterThan(4 * 6 * ROADS.length);
});

/** Ends a reader's connection, and waits until the next one is ready. */
async function comeBack(reader: LedgerReader): Promise<void> {
  const { connections } = reader;
  const readies = (): number => reader.frames.filter(({ event }) => event === "ready").length;
  const before = readies();
  reader.hop();
  await waitFor("it is back", () => reader.connections > connections && readies() > before);
}

describe.each(ROADS)("a stream by %s", (road) => {
  test("has the text of each event as its producer wrote it", async () => {
    await using stream = await open(road, "topic=push.>&events=named");
    await stream.frame("ready");
    const texts = ['{"n":12345678901234567890, "odd" :1e2}', "two\nlines", "\u2028 \u{1F600}", "x".repeat(70_000)];
    for (const text of texts) await demo.publish("events.demo.push.event.k", text);
    await stream.frame(({ data }) => data.length === 70_000);
    expect(stream.frames.filter(({ event }) => event === "push.event").map(({ data }) => data)).toEqual(texts);
  });

  test("is called by its connection id: other topics, another token, acknowledgements, and who is there", async () => {
    const subscriber = subscriberAt(stack.streamUrl, token);
    await subscriber.call("PUT", `/${road}`, { topics: ["push.>"] });
    await using durable = await open(road, `subscription=${road}`);
    await durable.frame("ready");
    await demo.publish("events.demo.push.event.k", "to be acknowledged");
    const { id } = await durable.frame(({ event }) => event === "message");
    expect(await subscriber.ack(road, [id])).toBe(204);
    await waitFor("nothing is open", async () => (await subscriber.call("GET", `/${road}`)).body["open"] === 0);

    const carol = (await stack.login("carol")).access_token;
    await using stream = await open(road, `topic=push.>&presence=push.event.k&client=tab-${road}`, { token: carol });
    const { data } = await stream.frame("ready");
    const { connectionId } = JSON.parse(data) as { connectionId: string };
    const call = (path: string, body: object) =>
      fetch(`${stack.streamUrl}/v1/streams/${connectionId}/${path}`, {
        method: "POST",
        headers: { authorization: `Bearer ${carol}`, "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    expect((await call("topics", { add: ["issues.>"] })).status).toBe(200);
    const another = (await stack.login("carol")).access_token;
    expect((await call("token", { access_token: another })).status).toBe(200);
    await demo.publish("events.demo.issues.opened.k", "of the added topic");
    expect(await stream.receive(1)).toEqual(["of the added topic"]);
    const present = await stream.frame("presence");
    expect(JSON.parse(present.data)).toMatchObject({ topic: "push.event.k", snapshot: true });
  });

  test("is told why it ends, and is not let in again, when its session is over", async () => {
    const login = await stack.login("bob");
    await using stream = await open(road, "topic=push.>", { token: login.access_token });
    await stream.frame("ready");
    const headers = { authorization: `Bearer ${login.access_token}` };
    await requireOk(fetch(`${stack.authUrl}/v1/auth/logout`, { method: "POST", headers }));
    expect(JSON.parse((await stream.frame("auth_error")).data)).toEqual({ reason: "revoked" });
    expect(await stream.closed()).toBe(road === "websocket" ? 4001 : undefined);
    await using again = await open(road, "topic=push.>", { token: login.access_token });
    expect(again.status).toBe(401);
  });

  test("is found by its road among the connections, in the lines and the figures", async () => {
    await using stream = await open(road);
    const { connectionId } = JSON.parse((await stream.frame("ready")).data) as { connectionId: string };
    const url = `http://127.0.0.1:${stack.edge.ports.ops}/debug/connections`;
    const connections = (await (await fetch(url)).json()) as { id: string; transport: string }[];
    expect(connections.find(({ id }) => id === connectionId)).toMatchObject({ transport: road });
    await waitFor("a line", () => stack.edge.child.output().includes(`"sluice.transport":"${road}"`));
    expect(await readMetric(stack.edge, `sluice_stream_opened_total{transport="${road}"}`)).toBeGreaterThan(0);
  });
});

test("a page's WebSocket has its token as a subprotocol, or as a cookie that the handshake renews", async () => {
  const url = `${stack.streamUrl.replace(/^http/, "ws")}/v1/stream?topic=push.>`;
  const { refresh_token, access_token } = await stack.login("bob");
  const answerTo = async (socket: WebSocket): Promise<IncomingMessage> => {
    const [[answer]] = await Promise.all([once(socket, "upgrade"), once(socket, "message")]);
    socket.terminate();
    return answer as IncomingMessage;
  };
  const bearer = new WebSocket(url, ["sluice.v1", `sluice.bearer.${access_token}`]);
  expect((await answerTo(bearer)).headers["sec-websocket-protocol"]).toBe("sluice.v1");
  const headers = { cookie: `refresh_token=${refresh_token}`, origin: stack.streamUrl };
  const renewed = await answerTo(new WebSocket(url, { headers }));
  expect(renewed.headers["x-access-token-renewed"]).toBe("true");
  expect(renewed.headers["set-cookie"]?.[0]).toMatch(/^auth_token=[^;]+; .*HttpOnly/);
});

test("clients of a WebSocket that read compressed messages get the same bytes, and fewer", async () => {
  const [one, other, plain] = await Promise.all([open("websocket"), open("websocket"), openPlain()]);
  await Promise.all([one, other, plain].map((stream) => stream.frame("ready")));
  const text = "the same for all ".repeat(200);
  const measure = () =>
    [one, other, plain].map(({ bytesRead, frames }) => [bytesRead?.() ?? 0, frames.length] as const);
  const [ofOne = 0, ofOther = 0, ofPlain = 0] = await waitFor(
    "an event comes to all, and no beat beside it",
    async () => {
      const before = measure();
      await demo.publish("events.demo.push.event.k", text);
      await Promise.all([one, other, plain].map((stream) => stream.receive(stream.events().length + 1)));
      const grown = measure().map(([bytes, frames], place) => {
        const [bytesBefore = 0, framesBefore = 0] = before[place] ?? [];
        return [bytes - bytesBefore, frames - framesBefore] as const;
      });
      return grown.every(([, frames]) => frames === 1) && grown.map(([bytes]) => bytes);
    },
  );
  expect(ofOther).toBe(ofOne);
  expect(ofOne).toBeLessThan(text.length / 10);
  expect(ofPlain).toBeGreaterThan(text.length);
  await Promise.all([one, other, plain].map((stream) => stream[Symbol.asyncDispose]()));
});

test("an edge that ends tells each client so by its road", async () => {
  const streams = await Promise.all(ROADS.map((road) => open(road)));
  await Promise.all(streams.map((stream) => stream.frame("ready")));
  await stack.edge.child.end("SIGTERM");
  const codes = await Promise.all(streams.map((stream) => stream.closed()));
  expect(codes).toEqual(ROADS.map((road) => (road === "websocket" ? 1001 : undefined)));
  for (const { frames } of streams) {
    expect(frames.at(-1)).toMatchObject({ event: "bye", data: expect.stringContaining('"drain"') });
  }
});

/** A WebSocket whose client reads no compressed messages. */
function openPlain(): Promise<RoadStream> {
  return open("websocket", "topic=push.>", { compresses: false });
}
