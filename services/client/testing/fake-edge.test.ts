import { afterEach, expect, test } from "vitest";
import { waitFor } from "../../../test/support/wait.ts";
import { ProblemError } from "../calls/problem-error.ts";
import { connectIn } from "../connect.ts";
import { ownEnvironment } from "../environment/own-environment.ts";
import type { StreamOptions } from "../options.ts";
import type { SluiceStream } from "../sluice-stream.ts";
import { createFakeEdge } from "./fake-edge.ts";

const open: SluiceStream[] = [];
afterEach(() => {
  for (const stream of open.splice(0)) stream.close();
});

/** What answers a client's requests. */
interface Fetching {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
}

/** Follows a stream of the fake edge, whose pauses take no time. */
function follow(edge: Fetching, options: Partial<StreamOptions> = {}) {
  const seen: unknown[] = [];
  const see =
    (name: string) =>
    (data: unknown): void =>
      void seen.push({ [name]: data });
  const own = ownEnvironment();
  let skippedMs = 0;
  const environment = {
    ...own,
    fetch: (url: string, init: RequestInit) => edge.fetch(url, init),
    now: () => own.now() + skippedMs,
    after(ms: number, callback: () => void) {
      if (ms > 1_000) return own.after(ms, callback);
      skippedMs += ms;
      return own.after(0, callback);
    },
    random: () => 0,
  };
  const stream = connectIn(environment, {
    url: "https://edge.test",
    topics: ["order.>"],
    token: "secret",
    onGap: see("gap"),
    onReset: see("reset"),
    onDegraded: see("degraded"),
    ...options,
  });
  open.push(stream);
  void (async () => {
    for await (const { type, data } of stream) seen.push({ [type]: data });
  })().catch(() => {});
  const sees = (expected: readonly unknown[]): Promise<void> =>
    waitFor(JSON.stringify(expected), () => seen.length >= expected.length).then(() => expect(seen).toEqual(expected));
  return { stream, seen, sees };
}

test("a client gets the events of its topics, and its token and topics can be looked at", async () => {
  const edge = createFakeEdge();
  const { sees } = follow(edge);
  await edge.opened();
  edge.emit("invoice.paid.1", "not asked for");
  edge.emit("order.created.1", { amount: 1 });
  await sees([{ "order.created": { amount: 1 } }]);
  expect(edge.streams).toEqual([["order.>"]]);
  const [{ path, headers }] = edge.requests as [(typeof edge.requests)[number]];
  expect([path, headers.get("authorization")]).toEqual(["/v1/stream", "Bearer secret"]);
});

test("a client that was cut off comes back behind its last event", async () => {
  const edge = createFakeEdge();
  const { sees } = follow(edge);
  await edge.opened();
  edge.emit("order.created.1", 1);
  await sees([{ "order.created": 1 }]);
  edge.cut();
  edge.emit("order.created.2", 2);
  await sees([{ "order.created": 1 }, { "order.created": 2 }]);
});

test("gaps, resets and standstills reach the reactions", async () => {
  const edge = createFakeEdge();
  const { stream, seen, sees } = follow(edge);
  await edge.opened();
  edge.gap("purged");
  edge.reset("tail_lost");
  edge.degraded("authorization");
  await sees([
    { gap: { from: expect.any(String), to: expect.any(String), reason: "purged" } },
    { reset: { reason: "tail_lost" } },
    { degraded: { reason: "authorization" } },
  ]);
  expect(stream.state).toEqual({ name: "held", reason: "authorization" });
  edge.recovered("authorization");
  await waitFor("delivery goes on", () => stream.state.name !== "held");
  edge.emit("order.created.1", "behind the reset");
  await waitFor("the event", () => seen.length === 4);
});

test("an edge that is busy is asked again", async () => {
  const edge = createFakeEdge();
  edge.busy("drain");
  const { stream } = follow(edge);
  const reasons: unknown[] = [];
  stream.onState((state) => "reason" in state && reasons.push(state.reason));
  await edge.opened();
  expect(reasons).toContain("busy:drain");
});

test("a session that is revoked ends the stream", async () => {
  const edge = createFakeEdge();
  const { stream } = follow(edge);
  await edge.opened();
  edge.end("revoked");
  await waitFor("the end", () => stream.state.name === "ended");
  expect(stream.state).toMatchObject({ reason: "revoked" });
});

test("topics change by calls, and the next connection asks for those that are in force", async () => {
  const edge = createFakeEdge();
  const { stream, sees } = follow(edge);
  const change = await stream.subscribe(["invoice.paid.*"]);
  expect(change.topics.map(({ topic }) => topic)).toEqual(["order.>", "invoice.paid.*"]);
  await stream.unsubscribe(["order.>"]);
  edge.emit("order.created.1", "no longer");
  edge.emit("invoice.paid.1", 1);
  await sees([{ "invoice.paid": 1 }]);
  edge.cut();
  await edge.opened();
  expect(edge.streams).toEqual([["invoice.paid.*"]]);
});

test.each(["before its call", "before its answer"])(
  "a change of topics is made on the connection that takes the place of another one %s",
  async (moment) => {
    const edge = createFakeEdge();
    const [isUnderWay, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const hold = (): Promise<void> => {
      isUnderWay.resolve();
      return goOn.promise;
    };
    const fetch = async (url: string, init: RequestInit): Promise<Response> => {
      const isChange = url.endsWith("/topics");
      if (isChange && moment === "before its call") await hold();
      const response = await edge.fetch(url, init);
      if (isChange && moment === "before its answer") await hold();
      return response;
    };
    const { stream, sees } = follow({ fetch }, { client: "tab-1" });
    await edge.opened();
    const change = stream.subscribe(["invoice.paid.*"]);
    await isUnderWay.promise;
    edge.cut();
    await edge.opened();
    goOn.resolve();
    await change;
    expect(edge.streams).toEqual([["order.>", "invoice.paid.*"]]);
    edge.emit("invoice.paid.1", 1);
    await sees([{ "invoice.paid": 1 }]);
    // The edge keeps the change beside what the client asks for.
    const asked = edge.requests
      .filter(({ path }) => path === "/v1/stream")
      .map(({ parameters }) => parameters.getAll("topic"));
    expect(asked).toEqual([["order.>"], ["order.>"]]);
  },
);

test("what is published and acknowledged can be looked at", async () => {
  const edge = createFakeEdge();
  const { stream, sees } = follow(edge, { subscription: "printer" });
  await edge.opened();
  const event = { type: "order.created", key: "1", data: { amount: 1 } };
  await expect(stream.publish(event)).resolves.toEqual({ ids: [expect.any(String)], duplicates: [] });
  expect(edge.published).toEqual([event]);
  await sees([{ "order.created": { amount: 1 } }]);
  await stream.acknowledge(["epoch-one.1.a"]);
  await stream.acknowledge({ upTo: "epoch-one.2.b" });
  await stream.nack(["epoch-one.3.c"], 500);
  expect(edge.acknowledged).toEqual(["epoch-one.1.a", "epoch-one.2.b"]);
  expect(edge.requests.at(-1)?.body).toEqual({ ids: ["epoch-one.3.c"], delayMs: 500 });
  await expect(stream.presence("order.*.1", { limit: 2 })).resolves.toMatchObject({ people: [], partial: false });
  expect(String(edge.requests.at(-1)?.parameters)).toBe("topic=order.*.1&limit=2");
});

test("a call that is refused fails with the code, the status and the time to wait", async () => {
  const edge = createFakeEdge();
  const { stream } = follow(edge);
  await edge.opened();
  edge.refuse("/v1/events", "too_many_requests");
  const refusal = await stream.publish({ type: "order.created", data: 1 }).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(ProblemError);
  expect(refusal).toMatchObject({ code: "too_many_requests", status: 429, retryAfterSeconds: 1 });
  await expect(stream.acknowledge([])).rejects.toMatchObject({ code: "malformed_request" });
});

test("a token that a call is refused for is fetched anew, once", async () => {
  const edge = createFakeEdge();
  let fetched = 0;
  const { stream } = follow(edge, { token: async () => `token-${(fetched += 1)}` });
  await edge.opened();
  edge.refuse("/v1/events", "token_expired");
  await stream.publish({ type: "order.created", data: 1 });
  const sent = edge.requests.filter(({ path }) => path === "/v1/events");
  expect(sent.map(({ headers }) => headers.get("authorization"))).toEqual(["Bearer token-1", "Bearer token-2"]);
});
