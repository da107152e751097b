import { describe, expect, test } from "vitest";
import { openFakeSource as open } from "../../test/rigs/client-source.ts";
import { createFakeEnvironment, idOf } from "../../test/rigs/fake-environment.ts";

/** A function that fetches one token after the other, and how often it was called. */
function tokens(...each: readonly (string | undefined | Error)[]) {
  const fetcher = Object.assign(
    async () => {
      const next = each[fetcher.calls];
      fetcher.calls += 1;
      if (next instanceof Error) throw next;
      return next;
    },
    { calls: 0 },
  );
  return fetcher;
}

const REFUSED = {
  kind: "refused",
  status: 401,
  code: "token_expired",
  detail: "the access token has expired",
} as const;

describe("a token that is refused", () => {
  test("is fetched anew once, and the stream goes on by the fresh one", async () => {
    const token = tokens("first", "second");
    const { sse, environment, source } = await open({ token });
    expect(sse.now.request.token()).toBe("first");
    sse.now.end(REFUSED);
    await environment.pass(1_000);
    expect(sse.now.request.token()).toBe("second");
    sse.now.ready();
    expect(source.state).toEqual({ name: "live" });
    expect(token.calls).toBe(2);
  });

  test("as soon as it was fetched ends the stream, which says why: no loop", async () => {
    const token = tokens("first", "second", "third");
    const { sse, environment, source } = await open({ token });
    sse.now.end(REFUSED);
    await environment.pass(1_000);
    sse.now.end({ ...REFUSED, code: "session_ended" });
    await environment.pass(600_000);
    expect(source.state).toEqual({
      name: "ended",
      reason: "unauthorized",
      code: "session_ended",
      detail: "the access token has expired",
    });
    expect([token.calls, sse.journeys.length]).toEqual([2, 2]);
  });

  test("a minute after it was fetched is fetched anew: it may have expired before any stream was open", async () => {
    const token = tokens("first", "second", "third");
    const { sse, environment } = await open({ token });
    sse.now.end(REFUSED);
    await environment.pass(1_000);
    sse.now.end({ kind: "refused", status: 503, code: "unavailable", retryAfterMs: 60_000 });
    await environment.pass(61_000);
    sse.now.end(REFUSED);
    await environment.pass(1_000);
    expect(sse.now.request.token()).toBe("third");
  });

  test("and fetched again as the very same one ends the stream without another request", async () => {
    const { sse, environment, source } = await open({ token: tokens("same", "same") });
    sse.now.end(REFUSED);
    await environment.pass(60_000);
    expect(source.state).toMatchObject({ name: "ended", reason: "unauthorized", code: "token_expired" });
    expect(sse.journeys).toHaveLength(1);
  });

  test("ends the stream at once where there is no way to another one", async () => {
    const { sse, environment, source } = await open({ token: "only" });
    sse.now.end(REFUSED);
    await environment.pass(0);
    expect(source.state).toMatchObject({ name: "ended", reason: "unauthorized", code: "token_expired" });
  });

  test("may be refused again after a stream has lived by it: that is another hour", async () => {
    const token = tokens("first", "second", "third");
    const { sse, environment, source } = await open({ token });
    for (let round = 0; round < 2; round += 1) {
      sse.now.ready();
      await environment.pass(11_000);
      sse.now.control("auth_error", { reason: "expired" });
      await environment.pass(1_000);
    }
    sse.now.ready();
    expect(source.state.name).not.toBe("ended");
    expect(sse.now.request.token()).toBe("third");
  });

  test("in the first seconds of its stream, again and again, ends it: 200, `ready` and `auth_error` are a loop, too", async () => {
    const token = tokens("first", "second", "third");
    const { sse, environment, source } = await open({ token });
    for (let round = 0; round < 2; round += 1) {
      sse.now.ready();
      await environment.pass(3_000);
      sse.now.control("auth_error", { reason: "expired" });
      await environment.pass(5_000);
    }
    expect(source.state).toMatchObject({ name: "ended", reason: "unauthorized" });
    expect(sse.journeys).toHaveLength(2);
  });
});

describe("a function that fetches tokens", () => {
  test("that gives none ends the stream: nobody is logged in", async () => {
    const { sse, source } = await open({ token: tokens(undefined) });
    expect(source.state).toEqual({ name: "ended", reason: "signed_out" });
    expect(sse.journeys).toHaveLength(0);
  });

  test("that fails is asked again, later each time", async () => {
    const token = tokens(...Array.from({ length: 50 }, () => new Error("away")));
    const { environment, source } = await open({ token });
    await environment.pass(120_000);
    expect(source.state).toEqual({ name: "connecting", reason: "token" });
    expect(token.calls).toBeGreaterThan(5);
    expect(token.calls).toBeLessThan(15);
  });

  test.each([
    ["the page of an error", "<!doctype html>\n<title>502</title>\n"],
    ["a text that no header takes", "nöt-ä-töken"],
  ])("that gives %s has failed, and is asked again", async (_, page) => {
    const { sse, environment } = await open({ token: tokens(page, page, page, " good \n") });
    await environment.pass(8_000);
    expect(sse.journeys).toHaveLength(1);
    expect(sse.now.request.token()).toBe("good");
  });

  test("that never answers is given up after 30 s", async () => {
    let calls = 0;
    const token = (): Promise<string> => new Promise(() => void (calls += 1));
    const { environment } = await open({ token });
    await environment.pass(29_999);
    expect(calls).toBe(1);
    await environment.pass(2_000);
    expect(calls).toBe(2);
  });
});

test.each([
  ["revoked", "revoked"],
  ["forbidden", "forbidden"],
])("`auth_error` %s ends the stream for good", async (reason, expected) => {
  const token = tokens("first", "second");
  const { sse, environment, source } = await open({ token });
  sse.now.ready();
  sse.now.control("auth_error", { reason });
  await environment.pass(600_000);
  expect(source.state).toEqual({ name: "ended", reason: expected });
  expect([token.calls, sse.journeys.length]).toEqual([1, 1]);
});

test.each([
  [403, "no_topic_granted", "forbidden"],
  [404, "tenant_unknown", "refused"],
  [422, "limit_exceeded", "refused"],
] as const)("a refusal by %d %s ends the stream, which says why", async (status, code, reason) => {
  const { sse, environment, source } = await open();
  sse.now.end({ kind: "refused", status, code, detail: "so it is" });
  await environment.pass(600_000);
  expect(source.state).toEqual({ name: "ended", reason, code, detail: "so it is" });
  expect(sse.journeys).toHaveLength(1);
});

describe("before an open stream's right ends", () => {
  const at = (ms: number): string => new Date(ms).toISOString();

  test("a token is fetched, and the stream goes on by it", async () => {
    const requests: [string, RequestInit][] = [];
    const environment = createFakeEnvironment({
      fetch: async (url, init) => {
        requests.push([url, init]);
        return Response.json({ expiresAt: at(1_200_000) });
      },
    });
    const token = tokens("first", "second", "third");
    const { sse, source } = await open({ token, environment });
    sse.now.ready({ expiresAt: at(600_000) });
    const stopBeats = setBeats(sse.now);
    await environment.pass(582_000);
    expect(token.calls).toBe(1);
    await environment.pass(1_000);
    expect(token.calls).toBe(2);
    expect(requests[0]).toMatchObject([
      "http://edge.test/v1/streams/c-1/token",
      { method: "POST", headers: { authorization: "Bearer second" } },
    ]);
    await environment.pass(600_000);
    expect(token.calls).toBe(3);
    expect(source.state).toEqual({ name: "live" });
    expect(sse.journeys).toHaveLength(1);
    stopBeats();

    function setBeats(journey: typeof sse.now): () => void {
      let cancel = environment.after(15_000, beat);
      function beat(): void {
        journey.onBytes();
        cancel = environment.after(15_000, beat);
      }
      return () => cancel();
    }
  });

  test("nothing is fetched for a stream that was closed while the edge answered", async () => {
    let answer: (response: Response) => void = () => {};
    const environment = createFakeEnvironment({ fetch: () => new Promise((resolve) => (answer = resolve)) });
    const token = tokens("first", "second", "third");
    const { sse, source } = await open({ token, environment });
    sse.now.ready({ expiresAt: at(30_000) });
    await environment.pass(20_000);
    expect(token.calls).toBe(2);
    source.close();
    answer(Response.json({ expiresAt: at(60_000) }));
    await environment.pass(600_000);
    expect(token.calls).toBe(2);
  });

  test("nothing is fetched where the edge prolongs it by itself", async () => {
    const token = tokens("first", "second");
    const { sse, environment } = await open({ token });
    sse.now.ready({ expiresAt: at(60_000) });
    for (let until = 90_000; until < 300_000; until += 30_000) {
      await environment.pass(30_000);
      sse.now.control("session", { expiresAt: at(until) });
    }
    expect(token.calls).toBe(1);
  });
});

test("a token that has expired by its own word is not sent: another one is fetched first", async () => {
  const jwt = (exp: number): string => `x.${btoa(JSON.stringify({ exp, iss: "i", sub: "s" }))}.y`;
  const token = tokens(jwt(60), jwt(3_600));
  const { sse, environment } = await open({ token });
  sse.now.ready();
  sse.now.event(1);
  environment.sign("suspend");
  environment.sleep(55_000);
  environment.sign("wake");
  await environment.pass(1_000);
  expect(sse.now.request.token()).toBe(jwt(3_600));
  expect(sse.now.request.lastEventId()).toBe(idOf(1));
});
