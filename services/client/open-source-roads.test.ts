import { describe, expect, test } from "vitest";
import { openFakeSource as open } from "../../test/rigs/client-source.ts";
import { createFakeEnvironment, idOf } from "../../test/rigs/fake-environment.ts";

const DAY_MS = 86_400_000;

/** An edge that answers what it can. */
const capable = { fetch: async () => Response.json({ transports: ["sse", "websocket"], heartbeatMs: 15_000 }) };

describe("a road that keeps its first frame for 3 s", () => {
  test("is tried with padding, and left for the next one", async () => {
    const { sse, websocket, environment, source } = await open();
    sse.now.onOpen(undefined);
    await environment.pass(2_999);
    expect(sse.now.signal.aborted).toBe(false);
    await environment.pass(1);
    expect(sse.journeys.map(({ request }) => request.pad)).toEqual([0, 2_048]);
    sse.now.onOpen(undefined);
    await environment.pass(3_000);
    expect(sse.journeys).toHaveLength(2);
    websocket.now.ready();
    expect(source.state).toEqual({ name: "live" });
  });

  test("goes on with padding where that helps", async () => {
    const { sse, websocket, environment } = await open();
    sse.now.onOpen(undefined);
    await environment.pass(3_000);
    sse.now.ready();
    sse.now.end({ kind: "closed" });
    await environment.pass(5_000);
    expect(sse.journeys.map(({ request }) => request.pad)).toEqual([0, 2_048, 2_048]);
    expect(websocket.journeys).toHaveLength(0);
  });
});

describe("what was found out", () => {
  test("is remembered for this network for a day, and the first road is tried again then", async () => {
    const { environment, sse, websocket } = await open();
    sse.now.end({ kind: "unusable" });
    await environment.pass(1_000);
    websocket.now.ready();
    await environment.pass(1_000);

    const next = await open({ environment });
    expect([next.sse.journeys.length, next.websocket.journeys.length]).toEqual([0, 1]);
    environment.networkIs("cellular");
    expect((await open({ environment })).sse.journeys).toHaveLength(1);
    environment.networkIs("wifi");
    environment.sleep(DAY_MS - 10_000);
    expect((await open({ environment })).websocket.journeys).toHaveLength(1);
    environment.sleep(10_000);
    expect((await open({ environment })).sse.journeys).toHaveLength(1);
  });

  test("is no secret word: it names roads, and until when", async () => {
    const { environment, sse, websocket } = await open();
    sse.now.end({ kind: "unusable" });
    await environment.pass(1_000);
    websocket.now.ready();
    expect([...environment.stored]).toEqual([
      ["sluice-roads:http://edge.test", JSON.stringify({ wifi: { road: "websocket", pad: 0, until: DAY_MS + 1_000 } })],
    ]);
  });

  test("is forgotten where every road fails, and the first is tried again: later each time", async () => {
    const { sse, websocket, environment, source } = await open();
    sse.now.end({ kind: "unusable" });
    await environment.pass(1_000);
    websocket.now.end({ kind: "unusable" });
    await environment.pass(1_000);
    expect(sse.journeys).toHaveLength(2);
    expect(source.state).toEqual({ name: "connecting", reason: "fallback" });
    expect(environment.stored.size).toBe(0);
  });
});

describe("a road that nothing answers on", () => {
  test("is not left where nothing answers elsewhere either: a network that swallows everything", async () => {
    let isThere = false;
    const environment = createFakeEnvironment({
      fetch: async () => {
        if (isThere) return Response.json({});
        throw new TypeError("nothing comes back");
      },
    });
    const { sse, websocket } = await open({ environment });
    sse.now.ready();
    await environment.pass(300_000);
    expect(sse.journeys.length).toBeGreaterThan(3);
    expect(websocket.journeys).toHaveLength(0);
    isThere = true;
    await environment.pass(120_000);
    expect(websocket.journeys.length).toBeGreaterThan(0);
  });

  test("is left at its second failure where the edge answers other questions", async () => {
    const { sse, websocket, environment } = await open({ environment: createFakeEnvironment(capable) });
    sse.now.end({ kind: "unreachable" });
    await environment.pass(1_000);
    expect(sse.journeys).toHaveLength(2);
    sse.now.end({ kind: "unreachable" });
    await environment.pass(2_000);
    expect(websocket.journeys).toHaveLength(1);
  });

  test("is not left while the edge is away altogether", async () => {
    const away = async (): Promise<Response> => Promise.reject(new TypeError("Failed to fetch"));
    const { sse, websocket, environment } = await open({ environment: createFakeEnvironment({ fetch: away }) });
    for (let failures = 1; failures <= 6; failures += 1) {
      sse.now.end({ kind: "unreachable" });
      while (sse.journeys.length === failures) await environment.pass(500);
    }
    expect(sse.journeys).toHaveLength(7);
    expect(websocket.journeys).toHaveLength(0);
  });

  test("is left where the browser does not let this page read what answers", async () => {
    const fetch = async (_: string, { mode }: RequestInit): Promise<Response> => {
      if (mode !== "no-cors") throw new TypeError("Failed to fetch");
      return Object.defineProperty(new Response(), "type", { value: "opaque" });
    };
    const { sse, websocket, environment } = await open({ environment: createFakeEnvironment({ fetch }) });
    for (let round = 0; round < 2; round += 1) {
      sse.now.end({ kind: "unreachable" });
      await environment.pass(2_000);
    }
    expect(websocket.journeys).toHaveLength(1);
  });
});

test("a socket's refusal is found out by a question that can be read: the token has expired", async () => {
  const refuse = async (): Promise<Response> =>
    Response.json({ code: "token_expired" }, { status: 401, headers: { "content-type": "application/problem+json" } });
  const environment = createFakeEnvironment({ fetch: refuse });
  let calls = 0;
  const { sse, websocket } = await open({ environment, token: async () => `token-${(calls += 1)}` });
  sse.now.end({ kind: "unusable" });
  await environment.pass(1_000);
  websocket.now.end({ kind: "unreachable" });
  await environment.pass(1_000);
  expect(websocket.now.request.token()).toBe("token-2");
});

test.each([
  { status: 404, code: "not_found", transports: ["websocket", "poll"] },
  { status: 403, code: "transport_off" },
] as const)("a road that the edge turns off for this caller is left: $status $code", async (refusal) => {
  const { sse, websocket, environment } = await open();
  sse.now.end({ kind: "refused", ...refusal });
  await environment.pass(1_000);
  expect(websocket.journeys).toHaveLength(1);
});

test("a road that the edge offers no more is not taken again, and its open stream goes on", async () => {
  const { sse, websocket, environment } = await open();
  sse.now.onOpen(["websocket", "poll"]);
  sse.now.control("ready", { connectionId: "c-1", expiresAt: "1970-01-02T00:00:00Z" });
  expect(sse.now.signal.aborted).toBe(false);
  sse.now.control("bye", { reason: "max_age", retryMs: 1_000 });
  await environment.pass(1_000);
  expect([sse.journeys.length, websocket.journeys.length]).toEqual([1, 1]);
});

test("a stream goes on behind its last id on the next road", async () => {
  const { sse, websocket, environment, ids } = await open();
  sse.now.ready();
  sse.now.event(1);
  for (let round = 0; round < 2; round += 1) {
    await environment.pass(45_000);
    if (round === 0) sse.now.ready();
  }
  expect(websocket.now.request.lastEventId()).toBe(idOf(1));
  websocket.now.ready();
  websocket.now.event(1);
  websocket.now.event(2);
  expect(ids()).toEqual([idOf(1), idOf(2)]);
});

describe("a report", () => {
  const reported: unknown[] = [];
  const page = (random: number) =>
    createFakeEnvironment({
      random: () => random,
      fetch: async (url, { body }) => {
        if (url.endsWith("/v1/reports")) reported.push(JSON.parse(body as string));
        return new Response(null, { status: 204 });
      },
    });

  test("is sent by one stream in twenty where reports are on, and says nothing of the person", async () => {
    const environment = page(0.049);
    const { sse, websocket } = await open({ environment, reports: { region: "eu-1" } });
    sse.now.end({ kind: "unusable" });
    await environment.pass(2_000);
    websocket.now.ready();
    expect(reported).toEqual([
      {
        reconnects: 0,
        stalls: 0,
        fallback: { from: "sse", reason: "status" },
        transport: "websocket",
        firstEventMs: expect.any(Number) as number,
        region: "eu-1",
        network: "4g",
      },
    ]);
    for (const other of [
      await open({ environment: page(0.05), reports: true }),
      await open({ environment: page(0.049) }),
    ])
      other.sse.now.ready();
    expect(reported).toHaveLength(1);
  });
});
