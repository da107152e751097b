import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startBufferingProxy } from "#test/rigs/buffering-proxy.ts";
import { followByClient } from "#test/support/client-stream.ts";
import { requireOk } from "#test/support/require-ok.ts";
import { type Bus, type Login, type Stack, startStack } from "#test/support/start-stack.ts";
import { startTcpProxy } from "#test/support/tcp-proxy.ts";
import { waitFor } from "#test/support/wait.ts";
import { Credentials } from "../../services/client/credentials/credentials.ts";
import { ownEnvironment } from "../../services/client/environment/own-environment.ts";
import { BackOff } from "../../services/client/back-off.ts";
import { createSourceOpener } from "../../services/client/open-source.ts";
import { Reporter } from "../../services/client/reports/reporter.ts";
import { askCapabilities } from "../../services/client/roads/ask-capabilities.ts";
import { RoadChoice } from "../../services/client/roads/road-choice.ts";
import { createSseRoad } from "../../services/client/roads/sse-road.ts";

let stack: Stack;
let demo: Bus;
let token: string;

beforeAll(async () => {
  stack = await startStack();
  demo = await stack.bus("demo");
  ({ access_token: token } = await stack.login("bob"));
});
afterAll(() => stack[Symbol.asyncDispose]());

const push = (data: string, key = "k"): Promise<number> => demo.publish(`events.demo.push.event.${key}`, data);

test("a stream brings events with their type, topic, data and place, and ends where it is closed", async () => {
  using bob = followByClient({ url: `${stack.streamUrl}/`, topics: ["push.event.k"], token });
  expect(await bob.until("live")).toEqual({ name: "live" });
  await push('{"ref":"main","size":9007199254740993}');
  await bob.receive(1);
  const [event] = bob.events;
  expect(event).toMatchObject({
    id: expect.stringMatching(/^[\w-]+\.\d+\.\w+$/),
    type: "push.event",
    topic: "push.event.k",
    data: { ref: "main" },
    time: expect.stringMatching(/^20\d\d-.*Z$/),
    raw: expect.stringContaining("9007199254740993"),
  });
  bob.stream.close();
  expect(bob.stream.state).toEqual({ name: "ended", reason: "closed" });
});

test("an id of another log is told as a reset, and the stream goes on", async () => {
  const resets: string[] = [];
  const onReset = ({ reason }: { readonly reason: string }): void => void resets.push(reason);
  const lastEventId = "another-epoch.5.abc";
  using bob = followByClient({ url: stack.streamUrl, topics: ["push.event.k"], token, lastEventId, onReset });
  await bob.until("live");
  await push("behind the reset");
  expect(await bob.receive(1)).toEqual(["behind the reset"]);
  expect(resets).toEqual(["epoch"]);
});

// At the same time, each under a topic of its own: most of the time they wait.
describe.concurrent("roads", () => {
  describe.concurrent.each(["sse", "websocket", "poll"] as const)("along the road %s", (road) => {
    test("a stream brings events once and in order, and goes on behind the last one after a cut", async () => {
      await using proxy = await startTcpProxy(stack.edge.ports.http);
      const url = `http://127.0.0.1:${proxy.port}`;
      using bob = followByClient({ url, topics: [`push.event.${road}`], token, transports: [road] });
      await bob.until("live");
      await push(`${road} 1`, road);
      await bob.receive(1);
      proxy.set("reset");
      await push(`${road} 2`, road);
      await bob.until("behind");
      proxy.set("pass");
      await push(`${road} 3`, road);
      expect(await bob.receive(3)).toEqual([1, 2, 3].map((number) => `${road} ${number}`));
      await bob.until("live");
    });

    test("a token that is refused is fetched anew", async () => {
      // Clients of one edge fetch a token once for all of them, so each has its own way there.
      await using proxy = await startTcpProxy(stack.edge.ports.http);
      let calls = 0;
      const fetchToken = async (): Promise<string> => ((calls += 1) === 1 ? `${token}x` : token);
      using bob = followByClient({
        url: `http://127.0.0.1:${proxy.port}`,
        topics: ["push.event.k"],
        token: fetchToken,
        transports: [road],
      });
      await bob.until("live");
      expect(calls).toBe(2);
    });
  });

  test.concurrent("behind a proxy that keeps event streams, a stream polls by itself, and loses and repeats nothing", async () => {
    await using proxy = await startBufferingProxy(stack.edge.ports.http);
    using bob = followByClient({ url: proxy.url, topics: ["push.event.behind"], token });
    await bob.until("live");
    expect(bob.states).toContainEqual({ name: "connecting", reason: "fallback" });
    const expected = Array.from({ length: 5 }, (_, index) => `behind the proxy ${index}`);
    for (const data of expected) await push(data, "behind");
    expect(await bob.receive(5)).toEqual(expected);
  });
});

describe("a stream that breaks off", () => {
  test("comes back behind its last event, while the edge's process is killed and started again", async () => {
    using bob = followByClient({ url: stack.streamUrl, topics: ["push.event.k"], token });
    await bob.until("live");
    await push("before");
    await bob.receive(1);
    await stack.edge.child.end("SIGKILL");
    await bob.until("behind", "lost");
    await push("meanwhile");
    await stack.startEdge({ STREAM_HTTP_PORT: String(stack.edge.ports.http) });
    await push("after");
    expect(await bob.receive(3)).toEqual(["before", "meanwhile", "after"]);
    await bob.until("live");
    expect(new Set(bob.events.map(({ id }) => id)).size).toBe(3);
  });

  test("waits while a proxy says 503, and comes back by itself", async () => {
    const away = createServer((_, response) => void response.writeHead(503, { "retry-after": "1" }).end()).listen(0);
    await once(away, "listening");
    await using proxy = await startTcpProxy((away.address() as AddressInfo).port);
    using bob = followByClient({ url: `http://127.0.0.1:${proxy.port}`, topics: ["push.event.k"], token });
    await bob.until("connecting", "unavailable");
    proxy.lead(stack.edge.ports.http);
    away.close();
    await bob.until("live");
    expect(bob.states.map(({ name }) => name)).toEqual(["connecting", "connecting", "live"]);
  });
});

describe("tokens", () => {
  const refreshAt = async (refreshToken: string): Promise<Login> => {
    const body = JSON.stringify({ refresh_token: refreshToken });
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${stack.authUrl}/v1/auth/refresh`, { method: "POST", headers, body });
    if (!response.ok) throw new Error(`refused: ${response.status}`);
    return (await response.json()) as Login;
  };

  test("a session that is ended ends its stream, which says so once and asks no more", async () => {
    const login = await stack.login("bob");
    let asked = 0;
    const fetchToken = async (): Promise<string> => {
      asked += 1;
      return login.access_token;
    };
    using bob = followByClient({ url: stack.streamUrl, topics: ["push.event.k"], token: fetchToken });
    await bob.until("live");
    const headers = { authorization: `Bearer ${login.access_token}` };
    await requireOk(fetch(`${stack.authUrl}/v1/auth/logout`, { method: "POST", headers }));
    expect(await bob.until("ended")).toEqual({ name: "ended", reason: "revoked" });
    expect(asked).toBe(1);
  });

  test("many streams that are refused at once spend one refresh token, and all go on", async () => {
    const login = await stack.login("bob");
    let [refreshToken, spent] = [login.refresh_token, 0];
    const streams = Array.from({ length: 5 }, () => {
      // Each tab begins with a token of this session that counts no more.
      let isFirst = true;
      return followByClient({
        url: stack.streamUrl,
        topics: ["push.event.k"],
        share: false,
        async token() {
          if (isFirst) {
            isFirst = false;
            return withoutSignature(login.access_token);
          }
          spent += 1;
          const fresh = await refreshAt(refreshToken);
          refreshToken = fresh.refresh_token;
          return fresh.access_token;
        },
      });
    });
    await Promise.all(streams.map((each) => each.until("live")));
    expect(spent).toBe(1);
    for (const each of streams) each.stream.close();
  });

  test("one that may not see a single topic ends the stream with the refusal's code", async () => {
    using bob = followByClient({ url: stack.streamUrl, topics: ["secret.>"], token });
    expect(await bob.until("ended")).toMatchObject({ reason: "forbidden", code: "no_topic_granted" });
    await expect(bob.stream[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "no_topic_granted" });
  });

  test("an open stream goes on by a fresh one", async () => {
    const environment = ownEnvironment();
    const options = { url: stack.streamUrl, token };
    const credentials = new Credentials(options, environment);
    const frames: (string | undefined)[] = [];
    const source = createSourceOpener({
      options,
      parameters: new URLSearchParams("topic=push.>"),
      environment,
      credentials,
      backOff: new BackOff(environment),
      choice: new RoadChoice(["sse"], options.url, environment),
      roads: { sse: createSseRoad(environment) },
      ask: askCapabilities,
      reporter: new Reporter(options, credentials, environment),
    })({ onFrame: ({ event }) => frames.push(event), onState: () => {} }, undefined);
    await waitFor("the stream", () => source.connectionId !== undefined);
    const { access_token: other, session_id: session } = await stack.login("bob");
    const headers = { authorization: `Bearer ${other}` };
    await requireOk(fetch(`${stack.streamUrl}/v1/streams/${source.connectionId}/token`, { method: "POST", headers }));
    await requireOk(fetch(`${stack.authUrl}/v1/auth/logout`, { method: "POST", headers }));
    // The stream ends with the session that it goes on by, and not with the one that it began by.
    await waitFor(`the end of ${session}`, () => source.state.name === "ended");
    expect(source.state).toEqual({ name: "ended", reason: "revoked" });
    expect(frames.at(-1)).toBe("auth_error");
  });
});

function withoutSignature(jwt: string): string {
  return `${jwt.slice(0, jwt.lastIndexOf("."))}.AAAA`;
}
