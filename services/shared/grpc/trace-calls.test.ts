import { Metadata } from "@grpc/grpc-js";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { SessionServiceClient, SessionServiceService } from "#proto/auth/v1/session.ts";
import { shareContexts } from "#shared/async/call-context.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { limitLines } from "#shared/log/limit-lines.ts";
import { traceFactsOf } from "#shared/protocol/traceparent.ts";
import { recordingTracer } from "#test/rigs/recording-tracer.ts";
import { encodeContext } from "./call-metadata.ts";
import { callUnary } from "./call-unary.ts";
import { plaintext } from "./grpc-security.ts";
import { type GrpcServer, startGrpcServer, unaryHandler } from "./start-server.ts";
import { traceGrpc } from "./trace-calls.ts";

const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";
const METHOD = "auth.v1.SessionService/FindSubjects";

let server: GrpcServer;
let client: SessionServiceClient;
let failure: AppError | undefined;
let lines: object[];
let [caller, callee] = [recordingTracer(), recordingTracer()];

beforeAll(async () => {
  const log = pino({ base: null }, { write: (line: string) => lines.push(JSON.parse(line) as object) });
  const findSubjects = unaryHandler(limitLines(log), async () => {
    if (failure !== undefined) throw failure;
    return { answers: [] };
  });
  // The tracers are asked as they are when a call is made.
  const late = (of: () => ReturnType<typeof recordingTracer>) => ({
    isOn: true,
    begin: (...begun: Parameters<typeof caller.begin>) => of().begin(...begun),
  });
  server = await startGrpcServer(
    { host: "127.0.0.1", port: 0, setting: "AUTH_GRPC_PORT" },
    [[SessionServiceService, { findSubjects }]],
    traceGrpc(
      plaintext,
      late(() => callee),
    ),
  );
  const { credentials, options } = traceGrpc(
    plaintext,
    late(() => caller),
  ).channelTo("auth.sluice");
  client = new SessionServiceClient(`127.0.0.1:${server.port}`, credentials, options);
});
afterAll(async () => {
  client.close();
  await server[Symbol.asyncDispose]();
});
beforeEach(() => {
  [caller, callee, lines, failure] = [recordingTracer(), recordingTracer(), [], undefined];
});

const ask = (...traces: (string | undefined)[]) =>
  callUnary(
    client.findSubjects.bind(client),
    { questions: [] },
    {
      timeoutMs: 30_000,
      shared: shareContexts(traces.map((traceparent) => ({ requestId: "r", traceparent }))),
    },
  );

describe("a call for a recorded trace", () => {
  test("is a span of the caller, and its answer one below it", async () => {
    await ask(`${TRACE}-01`);
    const attributes = { "rpc.system.name": "grpc", "rpc.method": METHOD };
    const done = { said: { "rpc.response.status_code": "OK" }, ended: "ok" };
    expect(caller.spans).toMatchObject([{ name: METHOD, kind: "client", parent: `${TRACE}-01`, attributes, ...done }]);
    const [{ traceparent } = { traceparent: "" }] = caller.spans;
    expect(callee.spans).toMatchObject([
      { name: METHOD, kind: "server", parent: traceparent, trust: "inside", attributes, ...done },
    ]);
  });

  test("has failed on both sides where the callee cannot answer, and the line about it names its span", async () => {
    failure = new AppError("unavailable", "away");
    await expect(ask(`${TRACE}-01`)).rejects.toThrow("away");
    expect([...caller.spans, ...callee.spans].map(({ ended }) => ended)).toEqual(["UNAVAILABLE", "UNAVAILABLE"]);
    expect(lines).toMatchObject([traceFactsOf(callee.spans[0]?.traceparent)]);
  });

  test("has failed for the caller alone where the caller is wrong", async () => {
    failure = new AppError("malformed_request", "no");
    await expect(ask(`${TRACE}-01`)).rejects.toThrow("no");
    expect([caller.spans[0]?.ended, callee.spans[0]?.ended]).toEqual(["INVALID_ARGUMENT", "ok"]);
  });

  test("belongs to the first recorded one of its requests", async () => {
    await ask(undefined, `${TRACE}-00`, `${TRACE}-01`);
    expect(caller.spans[0]?.parent).toBe(`${TRACE}-01`);
    expect(encodeContext([{ requestId: "r", traceparent: `${TRACE}-00` }]).get("traceparent")).toEqual([`${TRACE}-00`]);
  });
});

test("a call for no recorded trace makes no span on either side", async () => {
  await ask(undefined);
  await ask(`${TRACE}-00`);
  expect([caller.spans, callee.spans]).toEqual([[], []]);
});

test.each([
  ["malformed", "00-1"],
  ["of 8 KB", `${TRACE}-01${"-".repeat(8_000)}`],
])("a trace that is %s is none", async (_, traceparent) => {
  const metadata = new Metadata();
  metadata.set("traceparent", traceparent);
  const refusal = await new Promise((resolve) => {
    client.findSubjects({ questions: [] }, metadata, resolve);
  });
  expect([refusal, callee.spans]).toEqual([null, []]);
});
