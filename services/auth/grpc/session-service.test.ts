import { credentials, type ServiceError, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type SessionQuestion, SessionServiceClient, SessionState } from "#proto/auth/v1/session.ts";
import { callUnary } from "#shared/grpc/call-unary.ts";
import { type AuthStack, DEMO_PASSWORD, startAuthStack } from "#test/support/start-auth.ts";

let stack: AuthStack;
let client: SessionServiceClient;

beforeAll(async () => {
  stack = await startAuthStack({ AUTH_SESSION_SECONDS: "400", AUTH_ACCESS_TOKEN_SECONDS: "3600" });
  client = new SessionServiceClient(`127.0.0.1:${stack.auth.ports.grpc}`, credentials.createInsecure());
});
afterAll(async () => {
  client.close();
  await stack[Symbol.asyncDispose]();
});

async function call(questions: SessionQuestion[]) {
  return callUnary(client.checkSessions.bind(client), { questions }, { timeoutMs: 30_000 });
}

async function check(questions: SessionQuestion[]) {
  return (await call(questions)).answers;
}

async function statusOf(questions: SessionQuestion[]): Promise<status | undefined> {
  const refusal = await check(questions).catch((error: Error) => error.cause as ServiceError);
  return "code" in refusal ? refusal.code : undefined;
}

async function logIn(username: string): Promise<{ question: SessionQuestion; accessToken: string }> {
  const body = JSON.stringify({ tenant: "demo", username, password: DEMO_PASSWORD });
  const response = await fetch(`${stack.url}/v1/auth/login`, { method: "POST", body });
  const tokens = (await response.json()) as { access_token: string; session_id: string };
  const tokenExpiresAt = Math.floor(Date.now() / 1000) + 60;
  const question = {
    tenant: "demo",
    sid: tokens.session_id,
    subject: username,
    tokenExpiresAt,
    extend: false,
    contextId: "c-1",
  };
  return { question, accessToken: tokens.access_token };
}

function logOut(accessToken: string): Promise<Response> {
  const headers = { authorization: `Bearer ${accessToken}` };
  return fetch(`${stack.url}/v1/auth/logout`, { method: "POST", headers });
}

test("a live session has the time its token has left, and an extension reaches to the session's end at most", async () => {
  const { question } = await logIn("alice");
  const [plain, extended] = await check([question, { ...question, extend: true }]);
  expect(plain?.state).toBe(SessionState.LIVE);
  expect(plain?.remainingMs).toBeGreaterThan(55_000);
  expect(plain?.remainingMs).toBeLessThanOrEqual(60_000);
  expect(extended?.remainingMs).toBeGreaterThan(395_000);
  expect(extended?.remainingMs).toBeLessThanOrEqual(400_000);
});

test("an answer tells auth's time", async () => {
  const { question } = await logIn("alice");
  const before = Date.now();
  const { serverTimeMs } = await call([question]);
  expect(serverTimeMs).toBeGreaterThanOrEqual(before);
  expect(serverTimeMs).toBeLessThanOrEqual(Date.now());
});

test("a token that has run out is expired, and so is an extension of an unknown session; each answer names its connection", async () => {
  const { question } = await logIn("alice");
  const answers = await check([
    { ...question, tokenExpiresAt: 1 },
    { ...question, tokenExpiresAt: 1, sid: "unknown", extend: true, contextId: "c-2" },
  ]);
  const nothing = {
    state: SessionState.EXPIRED,
    remainingMs: 0,
    isFinal: false,
    roles: [],
    groups: [],
    claimsKnown: false,
  };
  expect(answers).toEqual([
    { ...nothing, contextId: "c-1" },
    { ...nothing, contextId: "c-2" },
  ]);
});

test("every revocation that was answered is seen by the next question", async () => {
  for (let turn = 0; turn < 20; turn++) {
    const { question, accessToken } = await logIn("bob");
    expect((await check([question]))[0]?.state).toBe(SessionState.LIVE);
    expect((await logOut(accessToken)).status).toBe(204);
    const [revoked, extended] = await check([question, { ...question, extend: true }]);
    expect([revoked?.state, extended?.state]).toEqual([SessionState.REVOKED, SessionState.REVOKED]);
  }
});

test("1024 questions are answered in the order they were asked, one more is refused", async () => {
  const { question, accessToken } = await logIn("carol");
  await logOut(accessToken);
  const questions = Array.from({ length: 1_024 }, (_, index) =>
    index % 3 === 0 ? question : { ...question, sid: `other-${index}` },
  );
  const states = (await check(questions)).map(({ state }) => state);
  expect(states).toEqual(questions.map((_, index) => (index % 3 === 0 ? SessionState.REVOKED : SessionState.LIVE)));
  expect(await statusOf([...questions, question])).toBe(status.INVALID_ARGUMENT);
  expect(await statusOf([])).toBe(status.INVALID_ARGUMENT);
});

test.each(["*", ">", "a.b", "a b", "\0", "", "a".repeat(65)])(
  "a question with %j for a name is refused",
  async (name) => {
    const question = { tenant: "demo", sid: "S", subject: "alice", tokenExpiresAt: 1, extend: false, contextId: "" };
    expect(await statusOf([{ ...question, tenant: name }])).toBe(status.INVALID_ARGUMENT);
    expect(await statusOf([{ ...question, sid: name }])).toBe(status.INVALID_ARGUMENT);
  },
);

test.each(["\0", "", "a".repeat(257), "Zoe\u0308"])(
  "a question about %j, which is no free name, is refused",
  async (subject) => {
    const question = { tenant: "demo", sid: "S", subject, tokenExpiresAt: 1, extend: false, contextId: "" };
    expect(await statusOf([question])).toBe(status.INVALID_ARGUMENT);
  },
);
