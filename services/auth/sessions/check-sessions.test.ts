import { describe, expect, test } from "vitest";
import { AppError } from "#shared/errors/app-error.ts";
import { createSessionCheck, type SessionQuestion } from "./check-sessions.ts";
import type { SessionRecord } from "./session.ts";

const NOW = 1_800_000_000_000;
const question: SessionQuestion = {
  tenant: "acme",
  sid: "S1",
  subject: "ann",
  tokenExpiresAt: NOW / 1000 + 120,
  extend: false,
};
const record: SessionRecord = {
  sid: "S1",
  tenant: "acme",
  subject: "ann",
  clientId: "web",
  device: "curl",
  loginAt: "2027-01-15T08:00:00.000Z",
  endsAt: NOW + 3_600_000,
  isLive: true,
  lastSeenAt: NOW,
  generation: 1,
};

/** What the subject holds now. */
const held = { roles: ["viewer"], groups: ["ops"] };

/** A check over stores that hold one session and count what they are asked. */
function check(stored: SessionRecord | "none" | AppError = record, revokedSids: readonly string[] = []) {
  const asked = { revocations: 0, sessions: 0 };
  const known = ["ann"];
  const ask = createSessionCheck({
    keys: { jwks: { keys: [{ kid: "k1" }] } },
    revocations: {
      isSettled: async () => false,
      record: async () => {},
      settle: async () => {},
      includes: async (_tenant, sid) => {
        asked.revocations++;
        return revokedSids.includes(sid);
      },
    },
    sessions: {
      touch: async () => {
        asked.sessions++;
        if (stored instanceof AppError) throw stored;
        return stored === "none" ? undefined : stored;
      },
    },
    findSubject: (tenant, username) => (known.includes(username) ? { tenant, username, ...held } : undefined),
    accessTokenSeconds: 300,
    clock: { wall: () => NOW, monotonic: () => 0 },
  });
  return { ask, asked };
}

describe("a session that was not revoked", () => {
  test("lives as long as the token, and Redis is not asked", async () => {
    const { ask, asked } = check(new AppError("unavailable", "Redis is down"));
    expect(await ask([question])).toEqual([{ state: "live", remainingMs: 120_000, isFinal: false, ...held }]);
    expect(asked.sessions).toBe(0);
  });

  test("has expired when the token has", async () => {
    expect(await check().ask([{ ...question, tokenExpiresAt: NOW / 1000 }])).toEqual([{ state: "expired" }]);
    expect(await check().ask([{ ...question, tokenExpiresAt: -1 }])).toEqual([{ state: "expired" }]);
  });
});

describe("an extension", () => {
  const extension: SessionQuestion = { ...question, tokenExpiresAt: NOW / 1000 - 5, extend: true };

  test("gives one more access token's life, whatever the token says", async () => {
    const answer = { state: "live", remainingMs: 300_000, isFinal: false, ...held };
    expect(await check().ask([extension])).toEqual([answer]);
  });

  test("near the session's end gives what is left of it, to the last millisecond, and says that no more will come", async () => {
    for (const leftMs of [300_000, 299_999, 1]) {
      const answer = { state: "live", remainingMs: leftMs, isFinal: true, ...held };
      expect(await check({ ...record, endsAt: NOW + leftMs }).ask([extension])).toEqual([answer]);
    }
    expect(await check({ ...record, endsAt: NOW }).ask([extension])).toEqual([{ state: "expired" }]);
  });

  test("is never shorter than what the token gives, unless the session ends before", async () => {
    const longer = { ...extension, tokenExpiresAt: NOW / 1000 + 400 };
    expect(await check().ask([longer])).toEqual([{ state: "live", remainingMs: 400_000, isFinal: false, ...held }]);
    const near = await check({ ...record, endsAt: NOW + 50_000 }).ask([longer]);
    expect(near).toEqual([{ state: "live", remainingMs: 50_000, isFinal: true, ...held }]);
    expect(await check("none").ask([question, { ...question, extend: true }])).toEqual([
      { state: "live", remainingMs: 120_000, isFinal: false, ...held },
      { state: "live", remainingMs: 120_000, isFinal: true, ...held },
    ]);
  });

  test.each([
    ["that is gone", "none"],
    ["that has ended", { ...record, isLive: false }],
    ["of somebody else", { ...record, subject: "bob" }],
    ["of another tenant", { ...record, tenant: "rival" }],
  ] as const)("of a session %s is refused", async (_which, stored) => {
    expect(await check(stored).ask([extension])).toEqual([{ state: "expired" }]);
  });

  test("of a user who is no longer in the users' file is refused, and so is what their token still gives", async () => {
    const gone = { ...record, subject: "zoe" };
    const questions = [extension, question].map((each) => ({ ...each, subject: "zoe" }));
    expect(await check(gone).ask(questions)).toEqual([{ state: "revoked" }, { state: "revoked" }]);
  });

  test("without Redis fails the call", async () => {
    const { ask } = check(new AppError("unavailable", "Redis is down"));
    await expect(ask([question, extension])).rejects.toThrow(expect.objectContaining({ code: "unavailable" }));
  });
});

test("a revocation beats everything", async () => {
  const { ask } = check(record, ["S1"]);
  expect(await ask([question, { ...question, extend: true }, { ...question, tokenExpiresAt: 1 }])).toEqual([
    { state: "revoked" },
    { state: "revoked" },
    { state: "revoked" },
  ]);
});

test("many questions about one session cost one read, and answers stand in the order of the questions", async () => {
  const { ask, asked } = check(record, ["S2"]);
  const questions = Array.from({ length: 1_000 }, (_, index) => ({ ...question, sid: `S${1 + (index % 2)}` }));
  const states = (await ask(questions)).map(({ state }) => state);
  expect(states).toEqual(questions.map(({ sid }) => (sid === "S2" ? "revoked" : "live")));
  expect(asked.revocations).toBe(2);
});

test("a session counts as revoked for a token whose key is not published any more", async () => {
  const { ask } = check();
  const states = (await ask([{ ...question, kid: "k1" }, { ...question, kid: "k0" }, question])).map(
    ({ state }) => state,
  );
  expect(states).toEqual(["live", "revoked", "live"]);
});
