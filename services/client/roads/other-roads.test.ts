import { describe, expect, test } from "vitest";
import { createFakeEnvironment, settle } from "../../../test/rigs/fake-environment.ts";
import type { Frame } from "../../shared/protocol/frame.ts";
import { Connection } from "../connection.ts";
import type { ConnectionEnd } from "../state-machine.ts";
import { createPollRoad } from "./poll-road.ts";
import type { RoadRequest } from "./road.ts";
import { createWebSocketRoad } from "./websocket-road.ts";

const request: RoadRequest = {
  url: "https://edge.test",
  parameters: new URLSearchParams("topic=a.%3E"),
  lastEventId: () => "e.1.x",
  token: () => "tok.en",
  credentials: "omit",
  pad: 0,
};

function listen() {
  const heard: (Frame | string)[] = [];
  return {
    heard,
    listener: {
      onOpen: (transports?: readonly string[]) => void heard.push(`open ${transports?.join(" ") ?? ""}`),
      onBytes: () => {},
      onFrame: (frame: Frame) => void heard.push(frame),
    },
  };
}

describe("polling", () => {
  test("asks behind what the answer before has said, until it is refused", async () => {
    const asked: string[] = [];
    const answers = [
      Response.json(
        {
          frames: [
            { event: "ready", data: "{}" },
            { id: "e.2.x", data: "a" },
          ],
          next: "e.2.x",
        },
        { headers: { "x-sluice-transports": "sse, poll" } },
      ),
      Response.json({ frames: [], next: "e.3.x" }),
      new Response("", { status: 503 }),
    ];
    const environment = createFakeEnvironment({
      fetch: async (url) => {
        asked.push(url);
        return answers[asked.length - 1] ?? Response.error();
      },
    });
    const { heard, listener } = listen();
    const ended = createPollRoad(environment)(request, listener, new AbortController().signal);
    await environment.pass(999);
    // An answer with nothing in it that came at once: it is not asked again in the same moment.
    expect(asked).toHaveLength(2);
    await environment.pass(1);
    expect(await ended).toMatchObject({ kind: "refused", status: 503 });
    expect(heard).toEqual(["open sse poll", { event: "ready", data: "{}" }, { id: "e.2.x", data: "a" }]);
    expect(asked.map((url) => url.replace("https://edge.test/v1/poll?topic=a.%3E&", ""))).toEqual([
      "wait=0&lastEventId=e.1.x",
      "wait=25&lastEventId=e.2.x",
      "wait=25&lastEventId=e.3.x",
    ]);
  });

  test("goes on behind an id where nothing happens: an answer that waits for an event is no road that is blocked", async () => {
    const environment = createFakeEnvironment({
      async fetch(url) {
        const seconds = Number(new URL(url).searchParams.get("wait"));
        await new Promise<void>((resolve) => environment.after(seconds * 1_000, resolve));
        return Response.json({ frames: [{ event: "ready", data: "{}" }], next: "e.1.x" });
      },
    });
    const heard: Frame[] = [];
    let end: ConnectionEnd | undefined;
    const connection = new Connection({
      environment,
      follow: createPollRoad(environment),
      request,
      heartbeatMs: 15_000,
      onFrame: (frame) => void heard.push(frame),
      onTransports: () => {},
    });
    void connection.ended.then((ended) => (end = ended));
    await environment.pass(60_000);
    expect([end, heard.length]).toEqual([undefined, 3]);
    connection.end({ kind: "interrupted" });
  });

  test("asks a cache that gives the same answer again and again no more than once a second", async () => {
    let asked = 0;
    const environment = createFakeEnvironment({
      fetch: async () => {
        asked += 1;
        // What would go on for ever stops here.
        if (asked > 10) return new Response("", { status: 503 });
        return Response.json({ frames: [{ id: "e.2.x", data: "a" }], next: "e.2.x" });
      },
    });
    const stop = new AbortController();
    void createPollRoad(environment)(request, listen().listener, stop.signal);
    await environment.pass(2_000);
    stop.abort();
    // The second answer is the first one that says nothing new.
    expect(asked).toBe(4);
  });

  test("is not stopped by a clock that is set back", async () => {
    let asked = 0;
    const environment = createFakeEnvironment({
      fetch: async () => {
        asked += 1;
        environment.sleep(-3_600_000);
        return Response.json({ frames: [], next: "e.3.x" });
      },
    });
    const stop = new AbortController();
    void createPollRoad(environment)(request, listen().listener, stop.signal);
    await environment.pass(3_000);
    stop.abort();
    expect(asked).toBe(4);
  });

  test("asks for no presence, which polls are not told of", async () => {
    const asked: string[] = [];
    const environment = createFakeEnvironment({
      fetch: async (url) => {
        asked.push(url);
        return new Response("", { status: 503 });
      },
    });
    const parameters = new URLSearchParams("topic=a&presence=b");
    await createPollRoad(environment)({ ...request, parameters }, listen().listener, new AbortController().signal);
    expect(asked).toEqual(["https://edge.test/v1/poll?topic=a&wait=0&lastEventId=e.1.x"]);
  });

  test("takes an answer of something else for no edge", async () => {
    const environment = createFakeEnvironment({
      fetch: async () => new Response("{", { headers: { "content-type": "application/json" } }),
    });
    expect(await createPollRoad(environment)(request, listen().listener, new AbortController().signal)).toEqual({
      kind: "unusable",
    });
  });
});

describe("a socket", () => {
  class FakeSocket extends EventTarget {
    isClosed = false;
    close(): void {
      this.isClosed = true;
    }
    say(type: string, fields: object = {}): void {
      this.dispatchEvent(Object.assign(new Event(type), fields));
    }
  }
  const open = async () => {
    const socket = new FakeSocket();
    const asked: unknown[] = [];
    const left = new AbortController();
    const { heard, listener } = listen();
    const road = createWebSocketRoad((...given) => {
      asked.push(...given);
      return socket as unknown as WebSocket;
    });
    const ended = road(request, listener, left.signal);
    await settle();
    return { socket, asked, left, heard, ended };
  };

  test("brings its token in a protocol's name, as no header can", async () => {
    const { asked } = await open();
    expect(asked).toEqual([
      "wss://edge.test/v1/stream?topic=a.%3E&lastEventId=e.1.x",
      ["sluice.v1", "sluice.bearer.tok.en"],
    ]);
  });

  test("has a frame in each message, and is closed when it is left", async () => {
    const { socket, left, heard, ended } = await open();
    socket.say("open");
    socket.say("message", { data: '{"id":"e.2.x","data":"a"}' });
    left.abort();
    socket.say("message", { data: '{"id":"e.3.x","data":"late"}' });
    expect(await ended).toEqual({ kind: "closed" });
    expect(heard).toEqual(["open ", { id: "e.2.x", data: "a" }]);
    expect(socket.isClosed).toBe(true);
  });

  test("that never opened looks like an edge that is not there; one that says why is refused", async () => {
    const silent = await open();
    silent.socket.say("close", { code: 1006 });
    expect(await silent.ended).toEqual({ kind: "unreachable" });
    const refused = await open();
    refused.socket.say("open");
    refused.socket.say("close", { code: 4003 });
    expect(await refused.ended).toEqual({ kind: "refused", status: 403 });
  });

  test("that says something else is left", async () => {
    const { socket, ended } = await open();
    socket.say("open");
    socket.say("message", { data: "<html>" });
    expect(await ended).toEqual({ kind: "closed" });
    expect(socket.isClosed).toBe(true);
  });

  test("is not opened where it was left before", async () => {
    const road = createWebSocketRoad(() => {
      throw new Error("it was opened");
    });
    expect(await road(request, listen().listener, AbortSignal.abort())).toEqual({ kind: "closed" });
  });

  test("cannot bring a token of any characters", async () => {
    const road = createWebSocketRoad(() => {
      throw new SyntaxError("invalid protocol");
    });
    expect(await road(request, listen().listener, new AbortController().signal)).toEqual({ kind: "unusable" });
  });
});
