import { expect, test } from "vitest";
import type { AuditEntry } from "../audit/audit.ts";
import type { User } from "../users/user-directory.ts";
import { createLogIn } from "./log-in.ts";
import type { Session, SessionRecord } from "./session.ts";

const ann: User = { tenant: "acme", username: "ann", roles: [], groups: [] };

/** A login of ann, over fakes that note what they were told. */
function logIn({
  isDisabledMeanwhile = false,
  isTenantGone = false,
  isRight = true,
  waitSeconds = 0,
  as = {},
  beyond = async (): Promise<SessionRecord[]> => [],
}) {
  const revoked: unknown[] = [];
  const ended: string[] = [];
  const entries: AuditEntry[] = [];
  const stored: Session[] = [];
  const login = createLogIn({
    throttle: { admit: async () => ({ waitSeconds, slowMs: 0 }), forget: async () => {}, discount: async () => {} },
    users: {
      authenticate: async () => (isRight ? ann : undefined),
      knows: (tenant, username) => ({ user: username === "ann", tenant: tenant === "acme" }),
      find: () => (isDisabledMeanwhile ? undefined : ann),
    },
    sessions: {
      create: async (session) => void stored.push(session),
      end: async (sid) => void ended.push(sid),
      beyond,
    },
    revoke: async ({ sid }, cause) => void revoked.push([sid, cause]),
    revocations: { includes: async () => isTenantGone },
    issueTokens: async ({ sid }) => ({
      accessToken: "access",
      refreshToken: "refresh",
      expiresInSeconds: 300,
      sid,
      sessionRemainingSeconds: 600,
    }),
    audit: { note: (entry) => void entries.push(entry), record: async () => {} },
    keys: { refresh: [Buffer.alloc(32, "refresh")] },
    sessionSeconds: 600,
    clock: { wall: () => 1_800_000_000_000, monotonic: () => 0 },
  });
  const credentials = { tenant: "acme", username: "ann", password: "secret", ...as };
  const tokens = login(credentials, { address: "192.0.2.1", device: "curl" });
  return { tokens, ended, entries, stored, revoked };
}

test("a login stores a session with its device and its end, and is audited", async () => {
  const { tokens, stored, entries } = logIn({});
  expect((await tokens).sid).toBe(stored[0]?.sid);
  expect(stored).toMatchObject([{ subject: "ann", clientId: "web", device: "curl", endsAt: 1_800_000_600_000 }]);
  expect(entries).toMatchObject([{ event: "login", subject: "ann", address: "192.0.2.1", sid: stored[0]?.sid }]);
});

test("a user who is disabled between the password and the session gets no tokens, and the session is ended", async () => {
  const { tokens, ended, stored } = logIn({ isDisabledMeanwhile: true });
  await expect(tokens).rejects.toMatchObject({ code: "bad_credentials" });
  expect(ended).toEqual([stored[0]?.sid]);
});

test("a wrong password is audited, an attempt too many is not: a flood must not fill the trail", async () => {
  const wrong = logIn({ isRight: false });
  await expect(wrong.tokens).rejects.toMatchObject({ code: "bad_credentials" });
  expect(wrong.entries).toMatchObject([{ event: "login_refused", reason: "bad_credentials" }]);
  const throttled = logIn({ waitSeconds: 7 });
  await expect(throttled.tokens).rejects.toMatchObject({ code: "too_many_attempts", retryAfterSeconds: 7 });
  expect([throttled.entries, throttled.stored]).toEqual([[], []]);
});

test("what was typed where there is no such user is not kept: a keyed hash stands for it, and for a tenant that nobody is of", async () => {
  const typed = { username: "correct-horse" };
  const entryOf = async (as: object) => {
    const refused = logIn({ isRight: false, as });
    await expect(refused.tokens).rejects.toMatchObject({ code: "bad_credentials" });
    return refused.entries[0];
  };
  const entry = await entryOf(typed);
  expect(entry).toEqual({
    event: "login_refused",
    tenant: "acme",
    typed: expect.stringMatching(/^[A-Za-z0-9_-]{16}$/),
    reason: "unknown_user",
    address: "192.0.2.1",
  });
  expect(await entryOf(typed)).toEqual(entry);
  expect(await entryOf({ username: "another" })).not.toEqual(entry);
  expect(JSON.stringify(await entryOf({ tenant: "my-password", ...typed }))).not.toMatch(/my-password|correct-horse/);
});

test("a session beyond a thousand of a person ends the one that would end first; where that cannot be, the login is none the worse", async () => {
  const first = { sid: "first" } as SessionRecord;
  const asked: unknown[] = [];
  const { tokens, revoked } = logIn({
    beyond: async (...about: unknown[]) => {
      asked.push(about);
      return [first];
    },
  });
  await tokens;
  expect([asked, revoked]).toEqual([[["acme", "ann", 1_000]], [["first", { reason: "too_many" }]]]);
  const away = logIn({ beyond: () => Promise.reject(new Error("away")) });
  expect((await away.tokens).sid).toBe(away.stored[0]?.sid);
});
