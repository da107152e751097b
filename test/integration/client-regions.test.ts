import { expect, test } from "vitest";
import { ownEnvironment } from "../../services/client/environment/own-environment.ts";
import { connectRegionsIn } from "../../services/client/regions/connect-regions.ts";
import { startStack } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";

const CALM_MS = 20 * 60_000;

test("a client goes from an edge that dies to another one of the same log, and back, and shows each event once and in order", async () => {
  await using stack = await startStack();
  const second = await stack.startEdge();
  const [first, port] = [stack.edge, String(stack.edge.ports.http)];
  const demo = await stack.bus("demo");
  const { access_token: token } = await stack.login("bob");
  const own = ownEnvironment();
  let skippedMs = 0;
  const asked: string[] = [];
  const environment = {
    ...own,
    now: () => own.now() + skippedMs,
    // No more than each pause has to be.
    random: () => 0,
    // What waits for minutes looks at the clock, which is set forward below.
    after: (ms: number, callback: () => void) => own.after(ms >= 60_000 ? 100 : ms, callback),
    fetch(url: string, init: RequestInit) {
      if (url.includes("/v1/stream?")) asked.push(new URL(url).port);
      return own.fetch(url, init);
    },
  };
  const ignore = { onGap: "ignore", onReset: "ignore", onDegraded: "ignore" } as const;
  const url = [stack.streamUrl, `http://127.0.0.1:${second.ports.http}`] as const;
  const stream = connectRegionsIn(environment, { url, topics: ["push.>"], token, ...ignore });
  const shown: unknown[] = [];
  stream.on("push.event", ({ data }) => shown.push(data));
  const shows = (last: number): Promise<unknown> =>
    waitFor(`event ${last}`, () => shown.at(-1) === last).catch((error: Error) => {
      throw new Error(`${error.message}: ${JSON.stringify({ state: stream.state, asked, shown })}`);
    });
  const publish = (data: number): Promise<number> => demo.publish("events.demo.push.event.k", String(data));

  await waitFor("live", () => stream.state.name === "live");
  await publish(1);
  await shows(1);
  await first.child.end("SIGKILL");
  await publish(2);
  await shows(2);
  expect(asked).toEqual([port, port, port, port, String(second.ports.http)]);
  await stack.startEdge({ STREAM_HTTP_PORT: port });
  await publish(3);
  await shows(3);
  skippedMs = CALM_MS;
  await waitFor("the way back", () => asked.at(-1) === port);
  await publish(4);
  await shows(4);
  stream.close();
  expect(shown).toEqual([1, 2, 3, 4]);
}, 90_000);
