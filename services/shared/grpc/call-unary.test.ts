import { credentials, type handleUnaryCall, status } from "@grpc/grpc-js";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type FindSubjectsRequest,
  type FindSubjectsResponse,
  SessionServiceClient,
  SessionServiceService,
} from "#proto/auth/v1/session.ts";
import { type CallContext, shareContexts } from "#shared/async/call-context.ts";
import { CircuitBreaker } from "#shared/async/circuit-breaker.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { limitLines } from "#shared/log/limit-lines.ts";
import { freePort } from "#test/support/ports.ts";
import { waitFor } from "#test/support/wait.ts";
import { traceFactsOf } from "#shared/protocol/traceparent.ts";
import { callUnary, type UnaryCall } from "./call-unary.ts";
import { type GrpcServer, startGrpcServer, unaryHandler } from "./start-server.ts";

const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

let server: GrpcServer;
let client: SessionServiceClient;
let handle: handleUnaryCall<FindSubjectsRequest, FindSubjectsResponse>;
let calls: number;

beforeEach(async () => {
  calls = 0;
  const findSubjects: typeof handle = (call, callback) => {
    calls += 1;
    handle(call, callback);
  };
  const address = { host: "127.0.0.1", port: 0, setting: "AUTH_GRPC_PORT" };
  server = await startGrpcServer(address, [[SessionServiceService, { findSubjects }]]);
  client = new SessionServiceClient(`127.0.0.1:${server.port}`, credentials.createInsecure());
  handle = (_, callback) => callback(null, { answers: [] });
});
afterEach(async () => {
  client.close();
  await server[Symbol.asyncDispose]();
});

const ask = (call: Partial<UnaryCall> = {}) =>
  callUnary(client.findSubjects.bind(client), { questions: [] }, { timeoutMs: 30_000, ...call });

const codeOf = (asked: Promise<unknown>): Promise<unknown> => asked.catch((error: AppError) => error.code);

test("a peer that is away is unavailable, in words that do not say where it is: callers from outside get to read them", async () => {
  const port = await freePort();
  using away = Object.assign(new SessionServiceClient(`127.0.0.1:${port}`, credentials.createInsecure()), {
    [Symbol.dispose]: () => away.close(),
  });
  const asked = callUnary(away.findSubjects.bind(away), { questions: [] }, { timeoutMs: 30_000 });
  const error = await asked.catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "unavailable", cause: { details: expect.stringContaining(String(port)) } });
  expect(error).not.toMatchObject({ message: expect.stringContaining("127.0.0.1") });
});

describe("a call that nobody waits for any more", () => {
  test("is given up on both sides", async () => {
    const gone = new AbortController();
    const cancelled = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    handle = (call) => {
      call.on("cancelled", cancelled.resolve);
      arrived.resolve();
    };
    const asked = codeOf(ask({ shared: shareContexts([{ requestId: "r", signal: gone.signal }]) }));
    await arrived.promise;
    gone.abort();
    await expect(asked).resolves.toBe("unavailable");
    await cancelled.promise;
  });

  test("is given up before it is made, too", async () => {
    const shared = shareContexts([{ requestId: "r", signal: AbortSignal.abort() }]);
    await expect(codeOf(ask({ shared }))).resolves.toBe("unavailable");
    // Calls keep their order: what had been sent would have arrived.
    await ask();
    expect(calls).toBe(1);
  });
});

describe("a call that cannot be answered", () => {
  /** The lines that the callee writes about a call for these requests. */
  async function linesOf(contexts: readonly CallContext[], failure: Error): Promise<object[]> {
    const lines: object[] = [];
    const log = pino(
      { base: null, timestamp: false },
      { write: (line: string) => lines.push(JSON.parse(line) as object) },
    );
    handle = unaryHandler(limitLines(log), () => Promise.reject(failure));
    await codeOf(ask({ shared: shareContexts(contexts) }));
    return lines;
  }

  test("is logged by the callee with the requests and the trace that it was made for", async () => {
    const away = new AppError("unavailable", "the store is away");
    const contexts = [{ requestId: "first" }, { requestId: "second", traceparent: TRACE }];
    expect(await linesOf(contexts, away)).toMatchObject([
      { requestIds: "first,second", ...traceFactsOf(TRACE), rpc: "/auth.v1.SessionService/FindSubjects" },
    ]);
    expect(await linesOf([{ requestId: "a" }], new Error("a bug"))).toMatchObject([{ level: 50, requestIds: "a" }]);
  });

  test("names at most eight of its requests", async () => {
    const contexts = Array.from({ length: 9 }, (_, index) => ({ requestId: `r${index}` }));
    const [line] = await linesOf(contexts, new AppError("unavailable", "away"));
    expect(line).toMatchObject({ requestIds: "r0,r1,r2,r3,r4,r5,r6,r7" });
  });

  test("is no line where the caller is wrong, who logs it, and names no text that is no id", async () => {
    expect(await linesOf([{ requestId: "a" }], new AppError("malformed_request", "no"))).toEqual([]);
    const [line] = await linesOf([{ requestId: "a b" }], new AppError("unavailable", "away"));
    expect(line).not.toHaveProperty("requestIds");
  });
});

describe("a breaker", () => {
  const unanswered: typeof handle = (_, callback) => callback({ code: status.UNAVAILABLE, details: "no" });

  test("keeps calls from a service that does not answer, and lets them through once it is back", async () => {
    let now = 0;
    const breaker = new CircuitBreaker(() => now);
    handle = unanswered;
    for (let call = 0; call < 100; call += 1) await codeOf(ask({ breaker }));
    expect(calls).toBe(5);
    handle = (_, callback) => callback(null, { answers: [] });
    now += 250;
    await ask({ breaker });
    await ask({ breaker });
    expect(calls).toBe(7);
  });

  test("opens for a service that is late, and lets it be asked again", async () => {
    let now = 0;
    const breaker = new CircuitBreaker(() => now);
    handle = () => {};
    for (let call = 0; call < 10; call += 1) await codeOf(ask({ breaker, timeoutMs: 300 }));
    expect([breaker.isOpen, calls]).toEqual([true, 5]);
    now += 250;
    handle = (_, callback) => callback(null, { answers: [] });
    await ask({ breaker });
    expect(breaker.isOpen).toBe(false);
  });

  test("takes a refusal in a service's own words for an answer: what one tenant cannot get, others may", async () => {
    const breaker = new CircuitBreaker(() => 0);
    const log = limitLines(pino({ level: "silent" }));
    for (const code of [
      "unavailable",
      "internal",
      "tenant_unknown",
      "tenant_suspended",
      "malformed_request",
    ] as const) {
      handle = unaryHandler(log, () => Promise.reject(new AppError(code, "no")));
      for (let call = 0; call < 6; call += 1) await codeOf(ask({ breaker }));
    }
    expect([breaker.isOpen, calls]).toEqual([false, 30]);
  });

  test("does not count calls that were given up", async () => {
    const breaker = new CircuitBreaker(() => 0);
    handle = () => {};
    for (let call = 0; call < 6; call += 1) {
      const gone = new AbortController();
      const asked = codeOf(ask({ breaker, shared: shareContexts([{ requestId: "r", signal: gone.signal }]) }));
      await waitFor("the call arrived", () => calls === call + 1);
      gone.abort();
      await asked;
    }
    expect(breaker.isOpen).toBe(false);
  });
});
