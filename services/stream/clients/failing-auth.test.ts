import { type handleUnaryCall, status } from "@grpc/grpc-js";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  type CheckSessionsRequest,
  type CheckSessionsResponse,
  type SessionQuestion,
  SessionServiceService,
  SessionState,
} from "#proto/auth/v1/session.ts";
import { RetryBudget } from "#shared/async/retry-budget.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { limitLines } from "#shared/log/limit-lines.ts";
import { plaintext } from "#shared/grpc/grpc-security.ts";
import { type GrpcServer, startGrpcServer, unaryHandler } from "#shared/grpc/start-server.ts";
import { createLogger } from "#shared/log/create-logger.ts";
import { createRig, type EdgeRig } from "#test/rigs/edge-rig.ts";
import { silentObserver } from "#test/rigs/silent-observer.ts";
import { waitFor } from "#test/support/wait.ts";
import { AuthTime } from "#shared/tokens/auth-time.ts";
import { Registration } from "../access/registration.ts";
import { verifySession, type VerifyDeps } from "../access/verify.ts";
import { GrpcSessionChecker } from "./session-checker.ts";

type Answer = handleUnaryCall<CheckSessionsRequest, CheckSessionsResponse>;

const HANDSHAKES = 100;

/** So far apart that few of them share a call. */
const APART_MS = 5;

let server: GrpcServer;
let checker: GrpcSessionChecker;
let rig: EdgeRig;
let verifying: VerifyDeps;
let answer: Answer;
let counted: { calls: number; questions: number };

beforeEach(async () => {
  counted = { calls: 0, questions: 0 };
  const checkSessions: Answer = (call, callback) => {
    counted.calls += 1;
    counted.questions += call.request.questions.length;
    answer(call, callback);
  };
  const address = { host: "127.0.0.1", port: 0, setting: "AUTH_GRPC_PORT" };
  server = await startGrpcServer(address, [[SessionServiceService, { checkSessions }]]);
  rig = createRig();
  const now = () => performance.now();
  const authTime = new AuthTime({ monotonic: now, wall: now });
  checker = new GrpcSessionChecker(`127.0.0.1:${server.port}`, plaintext.channelTo("auth.sluice"), {
    now,
    authTime,
    observer: silentObserver(),
  });
  // Questions that still gather when a test is over fail with its client.
  const observer = silentObserver({ fault: () => {} });
  verifying = { ...rig.edge, sessions: checker, retries: new RetryBudget(), now, observer };
});
afterEach(async () => {
  checker[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
  await rig[Symbol.asyncDispose]();
});

const answers: Answer = ({ request }, callback) =>
  callback(null, { answers: request.questions.map(liveAnswer), serverTimeMs: Date.now() });

const failsAlways: Answer = (_, callback) => callback({ code: status.UNAVAILABLE, details: "no" });

const refusesAlways: Answer = unaryHandler(limitLines(createLogger("auth", "silent")), () =>
  Promise.reject(new AppError("unavailable", "not right now")),
);

function liveAnswer({ contextId }: SessionQuestion) {
  const state = SessionState.LIVE;
  return { state, remainingMs: 60_000, isFinal: false, roles: [], groups: [], claimsKnown: false, contextId };
}

const areAnswered = (all: readonly Registration[]): boolean => all.every(({ deadline }) => deadline !== undefined);

function register(id: string): Registration {
  const subject = { id: "alice", roles: [], groups: [] };
  return new Registration(
    { tenant: "acme", sid: "s", subject, kid: "k", tokenExpiresAt: 1, isOutside: false },
    ["order.>"],
    id,
  );
}

/** Has handshakes ask for their sessions, one after the other, and answers what auth was asked until `isOver`. */
async function load(
  isOver: (all: readonly Registration[]) => boolean = () => true,
): Promise<{ calls: number; questions: number; registrations: Registration[] }> {
  const before = { ...counted };
  const registrations: Registration[] = [];
  for (let index = 0; index < HANDSHAKES; index += 1) {
    const registration = register(`c-${index}`);
    registrations.push(registration);
    void verifySession(registration, rig.tenant, verifying);
    await delay(APART_MS);
  }
  await waitFor("the load is over", () => isOver(registrations));
  const { calls, questions } = counted;
  return { calls: calls - before.calls, questions: questions - before.questions, registrations };
}

test("auth that fails every call is called a tenth more often at most, and soon hardly at all; back again, it answers all that still wait", async () => {
  answer = answers;
  const healthy = await load(areAnswered);
  answer = failsAlways;
  const failing = await load();
  expect(healthy.questions).toBe(HANDSHAKES);
  // A healthy auth gets a call for each; where the machine is busy some share one, and now more of them than then.
  expect(failing.calls).toBeLessThanOrEqual(HANDSHAKES * 1.1);
  answer = answers;
  const { registrations } = failing;
  await waitFor("all are answered", () => areAnswered(registrations));
});

test("auth that refuses every call in its own words is asked a tenth more often at most, beside ten questions a second", async () => {
  answer = refusesAlways;
  const begin = performance.now();
  const { questions, registrations } = await load();
  const seconds = (performance.now() - begin) / 1_000;
  expect(questions).toBeLessThanOrEqual(HANDSHAKES * 1.1 + 10 * (seconds + 1));
  for (const registration of registrations) registration.end("revoked");
});
