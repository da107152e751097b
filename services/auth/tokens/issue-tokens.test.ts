import { createLocalJWKSet, decodeJwt, decodeProtectedHeader } from "jose";
import { beforeAll, expect, test } from "vitest";
import { verifyAccessToken } from "#shared/contract/verify-access-token.ts";
import { generateKeyRing, type KeyRing, openKeyRing } from "../keys/key-ring.ts";
import type { Session } from "../sessions/session.ts";
import type { User } from "../users/user-directory.ts";
import { createTokenIssuer, type IssueTokens } from "./issue-tokens.ts";
import { parseRefreshToken } from "./refresh-token.ts";

const names = { issuer: "https://auth.example", audience: "sluice" };
const now = Date.now();
const session: Session = {
  sid: "S1",
  tenant: "acme",
  subject: "ann",
  clientId: "web",
  loginAt: new Date(now).toISOString(),
  endsAt: now + 3_600_000,
};
const ann: User = { tenant: "acme", username: "ann", groups: [], roles: [] };

let keys: KeyRing;
let issue: IssueTokens;

beforeAll(async () => {
  keys = await openKeyRing(await generateKeyRing());
  const clock = { wall: () => now, monotonic: () => 0 };
  issue = createTokenIssuer({ keys, ...names, accessTokenSeconds: 300, clock });
});

test("an access token holds the claims of RFC 9068 and ours, and passes the check that every service makes", async () => {
  const { accessToken, expiresInSeconds } = await issue(session, { ...ann, groups: ["ops"] }, 1);
  const claims = await verifyAccessToken(accessToken, createLocalJWKSet(keys.jwks), names);
  expect(decodeProtectedHeader(accessToken)).toEqual({ alg: "ES256", typ: "at+jwt", kid: keys.signing.kid });
  expect(claims).toMatchObject({ sub: "ann", tenant_id: "acme", sid: "S1", client_id: "web", groups: ["ops"] });
  expect(claims.login_at).toBe(session.loginAt);
  expect(claims.exp - claims.iat).toBe(300);
  expect(expiresInSeconds).toBe(300);
});

test("roles and groups are left out where there are none", async () => {
  const claims = decodeJwt((await issue(session, ann, 1)).accessToken);
  expect(claims).not.toHaveProperty("roles");
  expect(claims).not.toHaveProperty("groups");
});

test("the refresh token is the given generation of the session's family", async () => {
  const { refreshToken } = await issue(session, ann, 5);
  expect(parseRefreshToken(refreshToken, keys.refresh)).toEqual({ family: "S1", generation: 5 });
});

test("no token outlives its session, and none is issued in the session's last second", async () => {
  const { expiresInSeconds } = await issue({ ...session, endsAt: now + 10_900 }, ann, 1);
  expect(expiresInSeconds).toBe(10);
  const last = issue({ ...session, endsAt: now + 999 }, ann, 1);
  await expect(last).rejects.toThrow(expect.objectContaining({ code: "session_ended" }));
});

test("what is published holds no private part", () => {
  expect(JSON.stringify(keys.jwks)).not.toContain('"d"');
  expect(keys.jwks.keys).toEqual([expect.objectContaining({ kty: "EC", use: "sig", kid: keys.signing.kid })]);
});
