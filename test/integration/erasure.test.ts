import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { erasedControlSubject } from "#shared/contract/tenant-log.ts";
import { type EventStream, openEventStream } from "#test/support/event-stream.ts";
import type { Frame } from "#test/support/parse-frame.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { type Bus, type Stack, startStack, urlThrough } from "#test/support/start-stack.ts";
import { startTcpProxy, type TcpProxy } from "#test/support/tcp-proxy.ts";
import { waitFor } from "#test/support/wait.ts";

const LOG = "EVENTS_demo";

let nats: NatsServer;
let edgeToBus: TcpProxy;
let stack: Stack;
let demo: Bus;
let policy: Bus;
let token: string;

beforeAll(async () => {
  nats = await startNats();
  edgeToBus = await startTcpProxy(nats.port);
  stack = await startStack({ nats, stream: { NATS_URL: urlThrough(edgeToBus.port, nats.url("stream")) } });
  [demo, policy] = await Promise.all([stack.bus("demo"), stack.bus("policy")]);
  token = (await stack.login("bob")).access_token;
});
afterAll(async () => {
  for (const each of [stack, edgeToBus, nats]) await each?.[Symbol.asyncDispose]();
});

describe("events that are purged before the edge has read them", () => {
  test("are told as one gap for each run of them, and everything else arrives", async () => {
    await using stream = await open();
    await stream.frame("ready");
    await publish("keep", "first");
    await stream.receive(1);
    edgeToBus.set("reset");
    await publish("keep", "a");
    await publish("gone", "x");
    await publish("gone", "y");
    await publish("keep", "b");
    await purge("gone");
    edgeToBus.set("pass");
    expect(await stream.receive(3)).toEqual(["first", "a", "b"]);
    expect(gapsOf(stream)).toEqual([{ reason: "erased", between: ["a", "b"] }]);
  });

  test("a tenth of thousands, keep nobody from the others", async () => {
    await using stream = await open();
    await stream.frame("ready");
    edgeToBus.set("reset");
    // Each is synced to the disk: the last of 3 000 at once would wait longer than a publisher does.
    for (let first = 0; first < 3_000; first += 250) {
      const numbers = Array.from({ length: 250 }, (_, index) => first + index);
      await Promise.all(numbers.map((n) => publish(n % 10 === 4 ? "gone" : "keep", `${n}`)));
    }
    await purge("gone");
    const disturbed = await metric("sluice_stream_feed_disturbed_total");
    edgeToBus.set("pass");
    expect((await stream.receive(2_700)).length).toBe(2_700);
    expect(stream.frames.filter(({ event }) => event === "gap").length).toBeGreaterThan(0);
    expect(await metric("sluice_stream_feed_holes_total")).toBeGreaterThan(100);
    expect((await metric("sluice_stream_feed_disturbed_total")) - disturbed).toBeLessThan(5);
    expectStrictOrder(stream);
  });
});

describe("events that an entry of the log erases", () => {
  test("are served to nobody from then on, from memory or from JetStream, and the holes are told", async () => {
    await using live = await open();
    const { id: before } = await live.frame("ready");
    await publish("keep", "a");
    await publish("gone", "secret");
    const through = await publish("keep", "b");
    await live.receive(3);
    await eraseByEntry({ subject: "push.event.gone", through });
    await publish("keep", "c");
    await live.receive(4);
    // The log is not purged yet: whoever reads it must leave out what the entry names.
    await using fromTail = await open(stack.edge, before);
    expect(await fromTail.receive(3)).toEqual(["a", "b", "c"]);
    await purge("gone");
    await using other = await stack.startEdge({ NATS_URL: nats.url("stream") });
    await using fromHistory = await open(other, before);
    expect(await fromHistory.receive(3)).toEqual(["a", "b", "c"]);
    for (const stream of [fromTail, fromHistory]) {
      expect(gapsOf(stream)).toEqual([{ reason: "erased", between: ["a", "b"] }]);
      expect(stream.raw()).not.toContain("secret");
    }
    expect(gapsOf(live)).toEqual([]);
  });

  test("a client whose own last event is erased goes on behind it", async () => {
    await using live = await open();
    await live.frame("ready");
    await publish("gone", "mine");
    await live.receive(1);
    const own = live.lastId();
    const through = await publish("keep", "next");
    await live.receive(2);
    await eraseByEntry({ subject: "push.event.gone", through });
    await purge("gone");
    await publish("keep", "marker");
    await live.receive(3);
    await using again = await open(stack.edge, own);
    expect(await again.receive(2)).toEqual(["next", "marker"]);
    expect(again.frames.filter(({ event }) => event === "gap" || event === "reset")).toEqual([]);
  });

  test("by their ids, and no other events of their topic", async () => {
    await using live = await open();
    const { id: before } = await live.frame("ready");
    await publish("keep", "one");
    await publish("keep", "two");
    await live.receive(2);
    const id = live.frames.find(({ data }) => data === "one")?.id ?? "";
    await eraseByEntry({ ids: [id], through: Number(id.split(".")[1]) });
    await publish("keep", "three");
    await live.receive(3);
    await using again = await open(stack.edge, before);
    expect(await again.receive(2)).toEqual(["two", "three"]);
  });
});

test("what an operator purges by hand is noticed, dropped from memory, and told", async () => {
  await using live = await open();
  const { id: before } = await live.frame("ready");
  await publish("keep", "a");
  await publish("gone", "by hand");
  await publish("keep", "b");
  await live.receive(3);
  await purge("gone");
  await waitFor("the edge has noticed", async () => {
    await using again = await open(stack.edge, before);
    const [, second] = await again.receive(2);
    return second === "b" && gapsOf(again)[0]?.reason === "erased";
  });
});

async function open(edge: RunningService = stack.edge, lastEventId?: string): Promise<EventStream> {
  const url = `http://127.0.0.1:${edge.ports.http}/v1/stream?topic=push.>`;
  return openEventStream(url, { token, ...(lastEventId === undefined ? {} : { lastEventId }) });
}

function publish(topic: string, text: string): Promise<number> {
  return demo.publish(`events.demo.push.event.${topic}`, text);
}

async function purge(topic: string): Promise<void> {
  await (await policy.manager()).streams.purge(LOG, { filter: `events.demo.push.event.${topic}` });
}

/** Writes the entry as policy does. */
async function eraseByEntry(entry: object): Promise<void> {
  await policy.js.publish(erasedControlSubject("demo"), JSON.stringify(entry));
}

/** The gaps a stream was told, and the events around each. */
function gapsOf({ frames }: EventStream): { reason: string; between: (string | undefined)[] }[] {
  const isEvent = ({ event }: Frame): boolean => event === "message";
  return frames.flatMap((frame, index) => {
    if (frame.event !== "gap") return [];
    const { reason } = JSON.parse(frame.data) as { reason: string };
    return [
      { reason, between: [frames.slice(0, index).findLast(isEvent)?.data, frames.slice(index).find(isEvent)?.data] },
    ];
  });
}

function expectStrictOrder({ frames }: EventStream): void {
  const ids = frames.flatMap(({ event, id }) =>
    event === "message" || event === "gap" ? [Number(id?.split(".")[1])] : [],
  );
  expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => a - b));
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${stack.edge.ports.ops}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\d+)`, "m").exec(text)?.[1] ?? 0);
}
