import { afterEach, beforeEach, expect, test } from "vitest";
import {
  type CheckSessionsRequest,
  type CheckSessionsResponse,
  type SessionAnswer,
  SessionServiceService,
  SessionState,
} from "#proto/auth/v1/session.ts";
import { plaintext } from "#shared/grpc/grpc-security.ts";
import { type GrpcServer, startGrpcServer, unaryHandler } from "#shared/grpc/start-server.ts";
import { createLogger } from "#shared/log/create-logger.ts";
import { limitLines } from "#shared/log/limit-lines.ts";
import { waitFor } from "#test/support/wait.ts";
import { type Identity, Registration } from "../access/registration.ts";
import { AuthTime } from "#shared/tokens/auth-time.ts";
import { verifySession } from "../access/verify.ts";
import { silentObserver } from "#test/rigs/silent-observer.ts";
import { createRig, type EdgeRig } from "#test/rigs/edge-rig.ts";
import { GrpcSessionChecker } from "./session-checker.ts";

/** A session that lives as many milliseconds as its id says. */
const question = (sid: string, contextId: string) => {
  return { tenant: "acme", sid, subject: "alice", tokenExpiresAt: 2, extend: true, contextId };
};

let distort: (answers: SessionAnswer[]) => SessionAnswer[];
let server: GrpcServer;
let checker: GrpcSessionChecker;
let rig: EdgeRig;
let authTime: AuthTime;
/** How far this machine's wall clock is set off. */
let aheadMs: number;

beforeEach(async () => {
  distort = (answers) => answers;
  aheadMs = 0;
  const checkSessions = unaryHandler<CheckSessionsRequest, CheckSessionsResponse>(
    limitLines(createLogger("auth", "silent")),
    async ({ questions }) => ({
      answers: distort(questions.map(({ sid, contextId }) => live(Number(sid) || 0, contextId))),
      serverTimeMs: Date.now(),
    }),
  );
  const address = { host: "127.0.0.1", port: 0, setting: "AUTH_GRPC_PORT" };
  server = await startGrpcServer(address, [[SessionServiceService, { checkSessions, renewAccess: checkSessions }]]);
  authTime = new AuthTime({ monotonic: () => performance.now(), wall: () => performance.now() + aheadMs });
  checker = new GrpcSessionChecker(`127.0.0.1:${server.port}`, plaintext.channelTo("auth.sluice"), {
    now: () => performance.now(),
    authTime,
    observer: silentObserver(),
  });
  rig = createRig();
});
afterEach(async () => {
  checker[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
  await rig[Symbol.asyncDispose]();
});

function live(remainingMs: number, contextId: string): SessionAnswer {
  const held = { roles: [], groups: [], claimsKnown: false, isFinal: false };
  return { state: SessionState.LIVE, remainingMs, ...held, contextId };
}

test("an answer counts for the connection that asked", async () => {
  const answers = await Promise.all([checker.check(question("1000", "w-1")), checker.check(question("9000", "w-2"))]);
  expect(answers).toEqual([
    { state: "live", remainingMs: 1_000, isFinal: false },
    { state: "live", remainingMs: 9_000, isFinal: false },
  ]);
});

test("every answer tells auth's time, and so does a question about nobody", async () => {
  await checker.askTime();
  expect(authTime.isKnown).toBe(true);
  aheadMs = 3_600_000;
  expect(authTime.isKnown).toBe(false);
  await checker.check(question("1000", "w-1"));
  expect(authTime.isKnown).toBe(true);
});

test("an answer for another connection is none, and those beside it count", async () => {
  distort = ([first, second, third]) => [second!, first!, third!];
  const asked = ["w-1", "w-2", "w-3"].map((id) => checker.check(question("1000", id)));
  const outcomes = await Promise.allSettled(asked);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "fulfilled"]);
});

test.each<[string, (answers: SessionAnswer[]) => SessionAnswer[]]>([
  ["swapped", (answers) => answers.toReversed()],
  ["replayed", () => [live(99_000, "w-8"), live(99_000, "w-9")]],
  ["without a connection", (answers) => answers.map((answer) => ({ ...answer, contextId: "" }))],
])("answers %s prolong nobody: it is told, and asked again until each has its own", async (_, lie) => {
  const faults: unknown[] = [];
  const observer = silentObserver({ fault: (fault) => void faults.push(fault) });
  const deps = { ...rig.edge, sessions: checker, observer };
  const registrations = [listingOf("1000", "w-1"), listingOf("9000", "w-2")];
  for (const registration of registrations) registration.sessionLives(rig.clock.now, 10, false);
  distort = lie;
  const verifying = registrations.map((registration) =>
    verifySession(registration, rig.tenant, deps, { extend: true }),
  );
  await waitFor("both lies are told", () => faults.length >= 2);
  expect(registrations.map(({ deadline }) => deadline)).toEqual([rig.clock.now + 10, rig.clock.now + 10]);
  distort = (answers) => answers;
  await Promise.all(verifying);
  expect(registrations.map(({ deadline }) => deadline)).toEqual([rig.clock.now + 1_000, rig.clock.now + 9_000]);
  expect(String(faults[0])).toContain("another connection");
});

function listingOf(sid: string, connectionId: string): Registration {
  const subject = { id: "alice", roles: [], groups: [] };
  const identity: Identity = { tenant: "acme", sid, subject, kid: "k", tokenExpiresAt: 2, isOutside: false };
  return new Registration(identity, ["order.>"], connectionId);
}
