import { describe, expect, test } from "vitest";
import { openFakeSource as open } from "../../test/rigs/client-source.ts";
import { createFakeEnvironment, idOf } from "../../test/rigs/fake-environment.ts";

describe("a stream that ends", () => {
  test("comes back behind its last id after exactly the time that `bye` says", async () => {
    const { sse, environment, source } = await open();
    sse.now.ready();
    sse.now.event(7);
    sse.now.control("bye", { reason: "drain", retryMs: 2_345 });
    await environment.pass(2_344);
    expect(sse.journeys).toHaveLength(1);
    expect(source.state).toEqual({ name: "behind", reason: "bye" });
    await environment.pass(1);
    expect(sse.journeys).toHaveLength(2);
    expect(sse.now.request.lastEventId()).toBe(idOf(7));
  });

  test("comes back after `busy` when its turn is, and says why it waits", async () => {
    const { sse, environment, source } = await open();
    sse.now.onOpen(undefined);
    sse.now.control("busy", { reason: "full", detail: "full", retryMs: 25_000 });
    await environment.pass(24_999);
    expect(source.state).toEqual({ name: "connecting", reason: "busy:full" });
    expect(sse.journeys).toHaveLength(1);
    await environment.pass(1);
    expect(sse.journeys).toHaveLength(2);
  });

  test("waits longer with each failure in a row, and never less than `retry` says", async () => {
    const { sse, environment } = await open();
    sse.now.ready();
    const waits: number[] = [];
    for (let round = 0; round < 7; round += 1) {
      const [before, since] = [sse.journeys.length, environment.now()];
      sse.now.end({ kind: "closed" });
      while (sse.journeys.length === before) await environment.pass(250);
      waits.push(environment.now() - since);
    }
    // 2 s that the edge has asked for, and half of 1, 2, 4, 8, 16, 30 and 30 s.
    expect(waits).toEqual([2_500, 3_000, 4_000, 6_000, 10_000, 17_000, 17_000]);
  });

  test("waits as long as Retry-After says where the edge is away", async () => {
    const { sse, environment, source } = await open();
    sse.now.end({ kind: "refused", status: 503, code: "unavailable", retryAfterMs: 9_000 });
    await environment.pass(9_499);
    expect(source.state).toEqual({ name: "connecting", reason: "unavailable" });
    expect(sse.journeys).toHaveLength(1);
    await environment.pass(1);
    expect(sse.journeys).toHaveLength(2);
  });

  test("that fails at once asks no more than once a second, whatever it is told", async () => {
    const { sse, environment } = await open({ environment: createFakeEnvironment({ random: () => 0 }) });
    for (let round = 0; round < 5; round += 1) {
      sse.now.control("busy", { reason: "full", retryMs: 0 });
      await environment.pass(999);
    }
    expect(sse.journeys).toHaveLength(5);
  });
});

test.each(["soon", Number.NaN, null, {}])("a stream that ends with a pause of %j waits a second", async (retryMs) => {
  const { sse, environment } = await open();
  sse.now.ready();
  await environment.pass(5_000);
  sse.now.control("bye", { reason: "drain", retryMs });
  await environment.pass(0);
  sse.now.control("bye", { reason: "drain", retryMs });
  await environment.pass(999);
  expect(sse.journeys).toHaveLength(2);
});

describe("a silent stream", () => {
  test("is taken for dead after 2.5 heartbeats, and not before", async () => {
    const { sse, environment, source } = await open();
    sse.now.ready();
    await environment.pass(37_500);
    expect(source.state.name).toBe("live");
    sse.now.onBytes();
    await environment.pass(37_500);
    expect(sse.now.signal.aborted).toBe(false);
    await environment.pass(5_000);
    expect(sse.now.signal.aborted).toBe(true);
    expect(source.state).toEqual({ name: "behind", reason: "stalled" });
  });

  test("is looked at as soon as a person does: a device that slept had timers that slept, too", async () => {
    const { sse, environment } = await open();
    sse.now.ready();
    await environment.pass(1_000);
    environment.sleep(36_500);
    environment.sign("look");
    expect(sse.now.signal.aborted).toBe(false);
    environment.sleep(1_000);
    environment.sign("look");
    expect(sse.now.signal.aborted).toBe(true);
  });

  test("leaves a road that falls silent twice in a row, though it has worked", async () => {
    const { sse, websocket, environment } = await open();
    for (let round = 0; round < 2; round += 1) {
      sse.now.ready();
      await environment.pass(40_000);
      await environment.pass(5_000);
    }
    expect(sse.journeys).toHaveLength(2);
    expect(websocket.journeys).toHaveLength(1);
  });
});

describe("what is handed on", () => {
  test("comes once: what lies before the last id is dropped, on whatever connection it comes", async () => {
    const { sse, environment, ids } = await open({ lastEventId: idOf(3) });
    sse.now.ready();
    for (const seq of [3, 4, 4, 2, 5]) sse.now.event(seq);
    sse.now.end({ kind: "closed" });
    await environment.pass(3_000);
    sse.now.ready();
    for (const seq of [5, 6]) sse.now.event(seq);
    expect(ids()).toEqual([4, 5, 6].map((seq) => idOf(seq)));
  });

  test("comes again where a durable subscription repeats it", async () => {
    const { sse, ids } = await open({ subscription: "mine" });
    sse.now.ready();
    for (const seq of [4, 2, 5]) sse.now.event(seq);
    expect(ids()).toEqual([4, 2, 5].map((seq) => idOf(seq)));
    expect(sse.now.request.lastEventId()).toBeUndefined();
  });

  test("goes on before the last id where the edge says `reset`", async () => {
    const { sse, ids } = await open({ lastEventId: idOf(9) });
    sse.now.ready();
    sse.now.control("reset", { reason: "tail_lost" }, { id: idOf(2) });
    sse.now.event(3);
    expect(ids()).toEqual([idOf(2), idOf(3)]);
  });

  test("is nothing of a connection that was left: its late frames are another one's by then", async () => {
    const { sse, websocket, environment, ids } = await open();
    const [early] = sse.journeys;
    early?.onOpen(undefined);
    await environment.pass(4_100);
    sse.now.onOpen(undefined);
    await environment.pass(4_100);
    websocket.now.ready();
    websocket.now.event(1);
    early?.event(1);
    early?.event(2);
    expect(ids()).toEqual([idOf(1)]);
  });

  test("is nothing after `close`", async () => {
    const { sse, source, frames, states } = await open();
    sse.now.ready();
    const before = frames.length;
    source.close();
    sse.now.event(1);
    expect(sse.now.signal.aborted).toBe(true);
    expect(frames).toHaveLength(before);
    expect(states.at(-1)).toEqual({ name: "ended", reason: "closed" });
  });
});

describe("a stream that goes on behind an id", () => {
  test("is behind until no event came for a second", async () => {
    const { sse, environment, source } = await open({ lastEventId: idOf(1) });
    sse.now.ready();
    await environment.pass(800);
    sse.now.event(2);
    await environment.pass(999);
    expect(source.state).toEqual({ name: "behind", reason: "catching_up" });
    await environment.pass(1);
    expect(source.state).toEqual({ name: "live" });
  });

  test("stays live where each poll begins by `ready`", async () => {
    const { sse, environment, source, states } = await open({ lastEventId: idOf(1) });
    sse.now.ready();
    await environment.pass(1_000);
    sse.now.ready();
    expect(source.state).toEqual({ name: "live" });
    expect(states.map(({ name }) => name)).toEqual(["behind", "live"]);
  });

  test("is held from `degraded` to `recovered`", async () => {
    const { sse, environment, source } = await open();
    sse.now.ready();
    sse.now.control("degraded", { reason: "log" });
    expect(source.state).toEqual({ name: "held", reason: "log" });
    sse.now.control("recovered", { reason: "log" });
    await environment.pass(1_000);
    expect(source.state).toEqual({ name: "live" });
  });
});

describe("the life of a page", () => {
  test("a page that is frozen has no stream; one that wakes has it again behind the same id", async () => {
    const { sse, environment, source } = await open();
    sse.now.ready();
    sse.now.event(5);
    environment.sign("suspend");
    expect(sse.now.signal.aborted).toBe(true);
    expect(source.state).toEqual({ name: "offline", reason: "suspended" });
    await environment.pass(600_000);
    expect(sse.journeys).toHaveLength(1);
    environment.sign("wake");
    await environment.pass(1_000);
    expect(sse.journeys).toHaveLength(2);
    expect(sse.now.request.lastEventId()).toBe(idOf(5));
  });

  test("without a network nothing is asked for; with it again, within a second", async () => {
    const { sse, environment, source } = await open();
    sse.now.ready();
    environment.sign("offline");
    expect(source.state).toEqual({ name: "offline", reason: "network" });
    await environment.pass(50_000);
    expect(sse.journeys).toHaveLength(1);
    environment.sign("online");
    await environment.pass(1_000);
    expect(sse.journeys).toHaveLength(2);
  });

  test("a browser that says for a minute that there is no network is asked all the same", async () => {
    const { sse, environment } = await open();
    environment.sign("offline");
    await environment.pass(63_000);
    expect(sse.journeys.length).toBeGreaterThan(1);
  });

  test("a browser that says so of a machine which has a network is not believed once a stream was open", async () => {
    const { sse, environment } = await open();
    environment.sign("offline");
    await environment.pass(63_000);
    sse.now.ready();
    const before = sse.journeys.length;
    sse.now.control("bye", { reason: "drain", retryMs: 2_000 });
    await environment.pass(2_000);
    expect(sse.journeys).toHaveLength(before + 1);
  });

  test("a network that comes and goes is no reason to ask more than once a second", async () => {
    const { sse, environment } = await open({ environment: createFakeEnvironment({ random: () => 0 }) });
    for (let round = 0; round < 18; round += 1) {
      environment.sign(round % 2 === 0 ? "offline" : "online");
      await environment.pass(250);
    }
    expect(sse.journeys.length).toBeLessThanOrEqual(5);
  });

  test("what the edge has asked for is kept by the next source of the same stream, too", async () => {
    const { sse, environment, source, reopen } = await open();
    sse.now.ready();
    sse.now.control("bye", { reason: "drain", retryMs: 9_000 });
    await environment.pass(0);
    source.close();
    reopen();
    await environment.pass(8_999);
    expect(sse.journeys).toHaveLength(1);
    await environment.pass(1);
    expect(sse.journeys).toHaveLength(2);
  });

  test("what the edge has asked for is kept, also by a page that wakes meanwhile", async () => {
    const { sse, environment } = await open();
    sse.now.control("busy", { reason: "overload", retryMs: 40_000 });
    await environment.pass(1_000);
    environment.sign("suspend");
    environment.sign("wake");
    await environment.pass(38_900);
    expect(sse.journeys).toHaveLength(1);
    await environment.pass(200);
    expect(sse.journeys).toHaveLength(2);
  });
});
