import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, type JWTVerifyGetKey, SignJWT } from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { verifyAccessToken, withoutWithdrawn } from "#shared/tokens/verify-access-token.ts";
import { advance, emptyRing, type SigningAlgorithm } from "../keys/key-ring.ts";
import { makeKey } from "../keys/make-key.ts";
import { type Keys, openKeys, REFRESH_KEY_NAME } from "../keys/open-keys.ts";
import { createSealer } from "../keys/seal.ts";
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
  device: "curl",
  loginAt: new Date(now).toISOString(),
  endsAt: now + 3_600_000,
};
const ann: User = { tenant: "acme", username: "ann", groups: [], roles: [] };

const clock = { wall: () => now, monotonic: () => 0 };

let keys: Keys;
let issue: IssueTokens;

beforeAll(() => {
  keys = keysOf("ES256");
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

test("a token that fits into a cookie carries roles and groups, and one that would not refers to them", async () => {
  const groups = Array.from({ length: 256 }, (_, index) => `/departments/number ${index}`);
  const issued = await Promise.all(
    [80, 256].map((count) => issue(session, { ...ann, groups: groups.slice(0, count) }, 1)),
  );
  const [small, large] = issued.map(({ accessToken }) => accessToken);
  expect(decodeJwt(small ?? "")).toMatchObject({ groups: groups.slice(0, 80) });
  expect(small?.length).toBeGreaterThan(2_000);
  expect(large?.length).toBeLessThan(3_900);
  const claims = await verifyAccessToken(large ?? "", createLocalJWKSet(keys.jwks), names);
  expect(claims).toMatchObject({ sub: "ann", roles: [], groups: [], roles_by_reference: true });
});

test("roles and groups that are no free names are left out of what a token says, and are no fault of it", async () => {
  const roles = ["Orders.Read All", "a\nb", "", "é".repeat(129), "Orders.Read All"];
  const { accessToken } = await issue({ ...session, subject: "jane.doe@acme.example" }, { ...ann, roles }, 1);
  const claims = await verifyAccessToken(accessToken, createLocalJWKSet(keys.jwks), names);
  expect(claims).toMatchObject({ sub: "jane.doe@acme.example", roles: ["Orders.Read All"] });
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
  expect(keys.jwks.keys[0]).toMatchObject({ kty: "EC", alg: "ES256", use: "sig", kid: keys.signing.kid });
});

describe("with EdDSA", () => {
  test("tokens are signed and verified in the same way", async () => {
    const other = keysOf("EdDSA");
    const issueOther = createTokenIssuer({ keys: other, ...names, accessTokenSeconds: 300, clock });
    const { accessToken } = await issueOther(session, ann, 1);
    expect(decodeProtectedHeader(accessToken)).toEqual({ alg: "EdDSA", typ: "at+jwt", kid: other.signing.kid });
    expect(other.jwks.keys[0]).toMatchObject({ kty: "OKP", crv: "Ed25519", alg: "EdDSA" });
    expect(await verifyAccessToken(accessToken, other.published, names)).toMatchObject({ kid: other.signing.kid });
  });
});

describe("an algorithm belongs to its key", () => {
  test.each([
    ["ES256", "EdDSA"],
    ["EdDSA", "ES256"],
  ] as const)("a token signed with %s under the id of a key for %s is refused", async (signedWith, published) => {
    const [attacker, ours] = [keysOf(signedWith), keysOf(published)];
    const forged = await new SignJWT(decodeJwt((await issue(session, ann, 1)).accessToken))
      .setProtectedHeader({ alg: signedWith, typ: "at+jwt", kid: ours.signing.kid })
      .sign(attacker.signing.key);
    await expectRefused(forged, ours.published);
  });

  test.each([
    ["ES256", "EdDSA"],
    ["EdDSA", "ES256"],
  ] as const)("a good token with its algorithm changed from %s to %s in the header is refused", async (alg, other) => {
    const ours = keysOf(alg);
    const issueOurs = createTokenIssuer({ keys: ours, ...names, accessTokenSeconds: 300, clock });
    const [, payload, signature] = (await issueOurs(session, ann, 1)).accessToken.split(".");
    const header = Buffer.from(JSON.stringify({ alg: other, typ: "at+jwt", kid: ours.signing.kid }));
    await expectRefused([header.toString("base64url"), payload, signature].join("."), ours.published);
  });
});

test("a token without the id of its key is refused", async () => {
  const { accessToken } = await issue(session, ann, 1);
  const nameless = await new SignJWT(decodeJwt(accessToken))
    .setProtectedHeader({ alg: "ES256", typ: "at+jwt" })
    .sign(keys.signing.key);
  await expectRefused(nameless, createLocalJWKSet({ keys: keys.jwks.keys.slice(0, 1) }));
});

test("a token whose key is withdrawn is refused, though the key is still in a cached set", async () => {
  const { accessToken } = await issue(session, ann, 1);
  await expectRefused(accessToken, withoutWithdrawn(keys.published, new Set([keys.signing.kid])));
  await verifyAccessToken(accessToken, withoutWithdrawn(keys.published, new Set(["another"])), names);
});

async function expectRefused(token: string, published: JWTVerifyGetKey): Promise<void> {
  await expect(verifyAccessToken(token, published, names)).rejects.toMatchObject({ code: "token_invalid" });
}

function keysOf(algorithm: SigningAlgorithm): Keys {
  const sealer = createSealer(Buffer.alloc(32, algorithm));
  const plan = { algorithm, rotationMs: 1, publishMs: 1, keepMs: 1 };
  const empty = emptyRing(sealer.seal(REFRESH_KEY_NAME, Buffer.alloc(32)));
  return openKeys(
    advance(empty, now, plan, () => makeKey(algorithm, sealer, now)),
    sealer,
  ) as Keys;
}
