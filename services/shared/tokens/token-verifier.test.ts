import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { remoteKeys } from "./remote-keys.ts";
import { ownIssuer } from "./verify-access-token.ts";
import { type Issuer, startIssuer } from "#test/support/start-issuer.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { fetchJson } from "./http/fetch-json.ts";
import { createLogger } from "#shared/log/create-logger.ts";
import { parseIssuerEntry } from "./outside-issuers.ts";
import { type AskedTime, createTokenVerifier } from "./token-verifier.ts";
import { TrustedIssuers } from "./trusted-issuers.ts";

const OWN = { issuer: "https://auth.example", audience: "sluice" };
const now = Math.floor(Date.now() / 1_000);
const CLAIMS = { iss: "https://login.example.com", aud: "our-api", sub: "0b9f", oid: "dana", iat: now, exp: now + 60 };

const issuers = new Map<string, Issuer>();
let own: Issuer;

beforeAll(async () => {
  own = await startIssuer();
  for (const alg of ["ES256", "EdDSA", "RS256", "PS256"]) issuers.set(alg, await startIssuer(alg));
});
afterAll(() => Promise.all([own, ...issuers.values()].map((issuer) => issuer[Symbol.asyncDispose]())));

/** Auth's time agrees with this machine's. */
const KNOWN: AskedTime = { authTime: { isKnown: true, now: Date.now }, askTime: async () => {} };

function createVerifier(jwks_uri: string, change: object = {}, time = KNOWN) {
  const entry = parseIssuerEntry({
    issuer: CLAIMS.iss,
    jwks_uri,
    audience: CLAIMS.aud,
    tenant: "acme",
    algorithms: ["RS256"],
    type: "JWT",
    claims: { subject: "oid", roles: ["realm_access", "roles"], groups: "groups" },
    ...change,
  });
  const log = createLogger("test", "silent");
  const outside = new TrustedIssuers({ fetchJson, now: () => performance.now(), log });
  outside.adopt([{ entry, ca: undefined, clientSecret: undefined }]);
  const keys = remoteKeys(own.jwksUri);
  const verify = createTokenVerifier({ trusted: ownIssuer(keys, OWN), basis: keys.basis }, outside, time);
  return async (token: string): Promise<unknown> => {
    try {
      return (await verify(token)).claims;
    } catch (error) {
      return (error as AppError).code;
    }
  };
}

/** A token of the outside issuer that signs by that algorithm. */
function sign(change: Record<string, unknown> = {}, header: Record<string, unknown> = {}, alg = "RS256") {
  const issuer = issuers.get(alg);
  if (issuer === undefined) throw new Error(`no issuer for ${alg}`);
  return issuer.sign({ ...CLAIMS, ...change }, { typ: "JWT", ...header });
}

function jwksUri(alg = "RS256"): string {
  return issuers.get(alg)?.jwksUri ?? "";
}

describe("a token of an outside issuer", () => {
  test("is read by its mapping, and belongs to the tenant that is configured, whatever it says", async () => {
    const verify = createVerifier(jwksUri());
    const token = await sign({
      tenant_id: "rival",
      sid: "s",
      realm_access: { roles: ["viewer", "a\nb", "a b", "viewer"] },
      groups: "ops",
    });
    expect(await verify(token)).toEqual({
      iss: "https://login.example.com",
      sub: "dana",
      tenant_id: "acme",
      roles: ["viewer", "a b"],
      groups: ["ops"],
      exp: CLAIMS.exp,
      sid: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
      login_at: new Date(now * 1_000).toISOString(),
      kid: "",
      isOutside: true,
    });
  });

  test("of another login has another session, and the same token always the same", async () => {
    const verify = createVerifier(jwksUri());
    const sidOf = async (change: object) => ((await verify(await sign({ ...change }))) as { sid: string }).sid;
    expect(await sidOf({ jti: "1" })).toBe(await sidOf({ jti: "1" }));
    expect(await sidOf({ jti: "1" })).not.toBe(await sidOf({ jti: "2" }));
    expect(await sidOf({ jti: "1" })).not.toBe(await sidOf({ jti: "1", sub: "other" }));
  });

  test.each(["ES256", "EdDSA", "RS256", "PS256"] as const)("is taken by %s only where that is listed", async (alg) => {
    const token = await sign({}, {}, alg);
    expect(await createVerifier(jwksUri(alg), { algorithms: [alg] })(token)).toMatchObject({ sub: "dana" });
    const others = (["ES256", "EdDSA", "RS256", "PS256"] as const).filter((other) => other !== alg);
    expect(await createVerifier(jwksUri(alg), { algorithms: others })(token)).toBe("token_invalid");
  });

  test("is refused for another audience, of another type, without a subject that is a name, or past its end", async () => {
    const verify = createVerifier(jwksUri());
    expect(await verify(await sign({ aud: "sluice" }))).toBe("token_invalid");
    expect(await verify(await sign({}, { typ: "at+jwt" }))).toBe("token_invalid");
    expect(await verify(await sign({ oid: "auth0\n7" }))).toBe("token_invalid");
    expect(await verify(await sign({ oid: undefined }))).toBe("token_invalid");
    expect(await verify(await sign({ oid: ["dana"] }))).toBe("token_invalid");
    expect(await verify(await sign({ exp: now - 60 }))).toBe("token_expired");
    expect(await verify(await sign({ exp: 2 ** 53 }))).toBe("token_invalid");
  });

  test("cannot pass for one of ours, nor one of ours for theirs", async () => {
    const verify = createVerifier(jwksUri());
    const ours = {
      sub: "alice",
      sid: "s",
      tenant_id: "demo",
      jti: "j",
      client_id: "w",
      login_at: "2026-01-01T00:00:00Z",
    };
    const claims = { ...ours, iss: OWN.issuer, aud: OWN.audience, iat: now, exp: now + 60 };
    expect(await verify(await own.sign(claims))).toMatchObject({ sub: "alice", tenant_id: "demo" });
    expect(await verify(await sign(claims, { typ: "at+jwt" }))).toBe("token_invalid");
    expect(await verify(await own.sign({ ...CLAIMS }, { typ: "JWT" }))).toBe("token_invalid");
  });

  test("waits while its issuer's keys cannot be had, and ours do not", async () => {
    const verify = createVerifier("http://127.0.0.1:1/keys");
    expect(await verify(await sign())).toBe("unavailable");
    expect(await verify(await own.sign({ iss: OWN.issuer }))).toBe("token_invalid");
  });
});

/** A wall clock that is `aheadMs` before auth's, which is asked for the time. */
function createSkewedTime(aheadMs: number, isAnswered: boolean): AskedTime {
  const authTime = { isKnown: false, now: () => Date.now() + (authTime.isKnown ? 0 : aheadMs) };
  const askTime = async (): Promise<void> => {
    if (!isAnswered) throw new AppError("unavailable", "auth is silent");
    authTime.isKnown = true;
  };
  return { authTime, askTime };
}

const TEN_MINUTES = 600_000;

describe("on a machine with a wrong clock", () => {
  test.each([TEN_MINUTES, -TEN_MINUTES])("%d ms off, tokens are judged by auth's time", async (aheadMs) => {
    const verify = createVerifier(jwksUri(), {}, createSkewedTime(aheadMs, true));
    expect(await verify(await sign())).toHaveProperty("sub", "dana");
    expect(await verify(await sign({ exp: now - 60 }))).toBe("token_expired");
    expect(await verify(await sign({ nbf: now + 60 }))).toBe("token_invalid");
  });

  test("a token that fails by that clock alone is not refused for good while auth is silent", async () => {
    const ahead = createVerifier(jwksUri(), {}, createSkewedTime(TEN_MINUTES, false));
    expect(await ahead(await sign())).toBe("unavailable");
    const behind = createVerifier(jwksUri(), {}, createSkewedTime(-TEN_MINUTES, false));
    expect(await behind(await sign({ nbf: now - 1 }))).toBe("unavailable");
  });

  test("a token that fails by anything else is refused, also while auth is silent", async () => {
    const verify = createVerifier(jwksUri(), {}, createSkewedTime(TEN_MINUTES, false));
    expect(await verify(await sign({ aud: "another" }))).toBe("token_invalid");
  });
});
