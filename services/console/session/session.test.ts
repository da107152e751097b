import { beforeEach, expect, test } from "vitest";
import { ApiError } from "../http/api-error.ts";
import type { AuthClient } from "./auth-client.ts";
import { openSession, type SessionParts } from "./session.ts";

const CAROL = { tenant: "demo", subject: "carol" };
const CREDENTIALS = { tenant: "demo", username: "carol", password: "sluice-demo" };

let now: number;
let kept: Map<string, string>;
let renewals: number;
let ended: string[];

beforeEach(() => {
  [now, kept, renewals, ended] = [0, new Map(), 0, []];
});

const storage = {
  getItem: (key: string) => kept.get(key) ?? null,
  setItem: (key: string, value: string) => void kept.set(key, value),
  removeItem: (key: string) => void kept.delete(key),
} as Storage;

function open(renew?: () => Promise<never>, probe: SessionParts["probe"] = async () => undefined) {
  const auth: AuthClient = {
    logIn: async () => ({ ...CAROL, accessToken: "first", refreshToken: "refresh", expiresAt: 300_000 }),
    async renew() {
      renewals += 1;
      return (await renew?.()) ?? { accessToken: `next ${renewals}`, expiresAt: now + 300_000 };
    },
    logOut: async (token) => void ended.push(token),
  };
  return openSession({ storage, auth, probe, now: () => now });
}

function refusal(status: number): ApiError {
  return new ApiError({ status, code: "c", message: "m", requestId: undefined, retryAfter: undefined });
}

test("an access token is renewed once before it runs out, however many calls need it, and a new tab takes it up", async () => {
  const session = open();
  await session.logInAsPerson(CREDENTIALS);
  now = 269_999;
  expect(await session.token()).toBe("first");
  now = 270_000;
  expect(await Promise.all([session.token(), session.token()])).toEqual(["next 1", "next 1"]);
  expect(renewals).toBe(1);
  expect(await open().token()).toBe("next 1");
});

test("a session that auth has ended is asked for again, and who it was is still known", async () => {
  const session = open(() => Promise.reject(refusal(401)));
  await session.logInAsPerson(CREDENTIALS);
  now = 290_000;
  expect(await session.token()).toBeUndefined();
  expect(session.isExpired.value).toBe(true);
  expect(session.who.value).toEqual({ kind: "person", ...CAROL });
  expect(kept.size).toBe(0);
  await session.logInAsPerson(CREDENTIALS);
  expect(session.isExpired.value).toBe(false);
});

test("while auth is away the token is used to its end", async () => {
  const session = open(() => Promise.reject(refusal(503)));
  await session.logInAsPerson(CREDENTIALS);
  now = 290_000;
  expect(await session.token()).toBe("first");
  expect(session.isExpired.value).toBe(false);
});

test("who may not see the console is logged out at auth again", async () => {
  const session = open(undefined, () => Promise.reject(refusal(403)));
  await expect(session.logInAsPerson(CREDENTIALS)).rejects.toThrow("carol needs the permission policy:admin in demo");
  expect([session.who.value, ended, kept.size]).toEqual([undefined, ["refresh"], 0]);
});

test("a logout ends the session at auth, and nothing of it stays in the tab", async () => {
  const session = open();
  await session.logInAsPerson(CREDENTIALS);
  session.logOut();
  expect([session.who.value, ended, kept.size]).toEqual([undefined, ["refresh"], 0]);
  expect(await session.token()).toBeUndefined();
});

test("a refusal that comes late ends no login that has replaced the refused one", async () => {
  const session = open();
  await session.logInAsOperator("first");
  session.expire("first");
  expect(session.isExpired.value).toBe(true);
  await session.logInAsOperator("second");
  session.expire("first");
  expect([await session.token(), session.isExpired.value]).toEqual(["second", false]);
});
