import { generateKeyPairSync, randomBytes } from "node:crypto";
import { CompactSign, SignJWT } from "jose";
import { describe, expect, test } from "vitest";
import { AppError } from "#shared/errors/app-error.ts";
import { createLogger } from "#shared/log/create-logger.ts";
import { judgeToken } from "./judge-token.ts";
import { parseIssuerEntry } from "./outside-issuers.ts";
import { TrustedIssuers } from "./trusted-issuers.ts";

const ISSUER = "https://idp.example/";
const log = createLogger("test", "silent");

function createPair(alg: string) {
  if (/^(RS|PS)/.test(alg)) return generateKeyPairSync("rsa", { modulusLength: 2_048 });
  if (alg.startsWith("ML-DSA")) return generateKeyPairSync(alg.toLowerCase() as "ml-dsa-44");
  if (alg.startsWith("ES")) {
    return generateKeyPairSync("ec", { namedCurve: alg === "ES512" ? "P-521" : `P-${alg.slice(2)}` });
  }
  return generateKeyPairSync("ed25519");
}

/** An issuer with one entry, and its server. */
function createWorld(change: object = {}, alg = "ES256") {
  const entry = parseIssuerEntry({ issuer: ISSUER, audience: "api", tenant: "acme", ...change });
  let pair = createPair(alg);
  const world = { fetches: 0, clock: 0, served: [] as unknown[], alg };
  const publish = (): void => void (world.served = [{ ...pair.publicKey.export({ format: "jwk" }), kid: "k" }]);
  publish();
  const outside = new TrustedIssuers({
    async fetchJson({ url }) {
      if (!url.endsWith("/keys")) return { issuer: ISSUER, jwks_uri: "https://idp.example/keys" };
      world.fetches += 1;
      return { keys: world.served };
    },
    now: () => world.clock,
    log,
  });
  outside.adopt([{ entry, ca: undefined, clientSecret: undefined }]);
  const now = Math.floor(Date.now() / 1_000);
  return {
    world,
    outside,
    publish,
    turnKey: () => void (pair = createPair(alg)),
    sign: (claims: object = {}, header: object = {}) =>
      new SignJWT({ iss: ISSUER, aud: "api", sub: "dana", iat: now, exp: now + 600, ...claims })
        .setProtectedHeader({ alg, kid: "k", typ: "JWT", ...header })
        .sign(pair.privateKey),
    /** Signs claims that no library writes. */
    signText: (claims: string) =>
      new CompactSign(Buffer.from(`{"iss":"${ISSUER}","aud":"api","exp":${now + 600},${claims}}`))
        .setProtectedHeader({ alg, kid: "k", typ: "JWT" })
        .sign(pair.privateKey),
    verify: async (token: string) => {
      try {
        return (await judgeToken(token, undefined, outside)).claims;
      } catch (error) {
        return error as AppError;
      }
    },
  };
}

const ALGORITHMS = [
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
];

test.each(["alg", "kid", "typ"])("a header whose %s is nested 20 000 deep is refused like any other", async (name) => {
  const { verify } = createWorld();
  const part = (text: string) => Buffer.from(text).toString("base64url");
  const nested = `{"alg":"ES256","${name}":${"[".repeat(20_000)}${"]".repeat(20_000)}}`;
  const token = `${part(nested)}.${part(JSON.stringify({ iss: ISSUER }))}.c2ln`;
  expect(await verify(token)).toMatchObject({ code: "token_invalid" });
});

test("an issuer that is nested 20 000 deep is refused like any other", async () => {
  const part = (text: string) => Buffer.from(text).toString("base64url");
  const payload = `{"iss":${"[".repeat(20_000)}${"]".repeat(20_000)}}`;
  const token = `${part('{"alg":"ES256"}')}.${part(payload)}.c2ln`;
  expect(await createWorld().verify(token)).toMatchObject({ code: "token_invalid" });
});

describe("an entry that names no algorithms", () => {
  test.each(ALGORITHMS)("takes %s", async (alg) => {
    const { sign, verify } = createWorld({}, alg);
    expect(await verify(await sign())).toMatchObject({ sub: "dana" });
  });

  test("takes no shared secret, though the key set has one", async () => {
    const { world, verify } = createWorld();
    const secret = randomBytes(32);
    world.served.push({ kty: "oct", k: secret.toString("base64url"), kid: "s" });
    const token = await new SignJWT({ iss: ISSUER, aud: "api", sub: "x", exp: 4_000_000_000 })
      .setProtectedHeader({ alg: "HS256", kid: "s" })
      .sign(secret);
    expect(await verify(token)).toMatchObject({ code: "token_invalid", facts: { claim: "alg", alg: "HS256" } });
  });
});

describe("a key that changes under its name", () => {
  test("is noticed at the next signature that fails", async () => {
    const { world, sign, verify, turnKey, publish } = createWorld();
    expect(await verify(await sign())).toMatchObject({ sub: "dana" });
    turnKey();
    publish();
    world.clock += 10_000;
    expect(await verify(await sign())).toMatchObject({ sub: "dana" });
    expect(world.fetches).toBe(2);
  });

  test("costs one fetch in 10 s, however many bad signatures come", async () => {
    const { world, sign, verify, turnKey } = createWorld();
    await verify(await sign());
    turnKey();
    const forged = await Promise.all(Array.from({ length: 100 }, () => sign()));
    for (const seconds of [5, 5, 9, 1]) {
      world.clock += seconds * 1_000;
      const answers = await Promise.all(forged.map(verify));
      expect(new Set(answers.map((answer) => (answer as AppError).code))).toEqual(new Set(["token_invalid"]));
    }
    expect(world.fetches).toBe(3);
  });
});

describe("claims", () => {
  test("may lack iat, and dates may have a fraction", async () => {
    const { sign, verify } = createWorld();
    const exp = Math.floor(Date.now() / 1_000) + 600;
    expect(await verify(await sign({ iat: undefined, exp: exp + 0.75 }))).toMatchObject({ exp });
    expect(await verify(await sign({ iat: exp - 601.5, nbf: exp - 601.5 }))).toMatchObject({ sub: "dana" });
  });

  test.each([{ exp: 1e300 }, { exp: 0.5 }, { exp: -1 }, { nbf: "soon" }, { exp: "never" }])(
    "with %j are refused",
    async (change) => {
      const { sign, verify } = createWorld();
      expect(await verify(await sign(change))).toBeInstanceOf(AppError);
    },
  );

  test("may be many: a token with 2 000 roles holds, with each of them", async () => {
    const { sign, verify } = createWorld({ claims: { roles: "roles" } });
    const roles = Array.from({ length: 2_000 }, (_, index) => `role ${index}`);
    expect(await verify(await sign({ roles: [...roles, "", "a\u0000b", 7, null] }))).toMatchObject({
      roles: [...roles, "7"],
    });
  });

  test("whose names are many words in one text are split where the entry says so, and scopes always", async () => {
    const { sign, verify } = createWorld({ claims: { roles: "scp", groups: { from: "teams", split: "," } } });
    expect(await verify(await sign({ scp: "Orders.Read Orders.Write", teams: "ops,eu" }))).toMatchObject({
      roles: ["Orders.Read", "Orders.Write"],
      groups: ["ops", "eu"],
    });
  });

  test("stand in the members of a list where the way to them leads through it, and a person is never one of several", async () => {
    const roles = [{ id: "r1", key: "admin" }, { id: "r2" }, "plain", { key: ["viewer", "clerk"] }];
    const { sign, verify } = createWorld({ claims: { roles: ["roles", "key"], groups: ["teams", "0", "name"] } });
    expect(await verify(await sign({ roles, teams: [{ name: "ops" }, { name: "eu" }] }))).toMatchObject({
      roles: ["admin", "viewer", "clerk"],
      groups: ["ops"],
    });
    const byMember = createWorld({ claims: { subject: ["roles", "key"] } });
    expect(await byMember.verify(await byMember.sign({ roles }))).toMatchObject({
      message: expect.stringContaining("does not say who"),
    });
  });

  test("give attributes within bounds; beyond them they are absent", async () => {
    const { sign, verify } = createWorld({ claims: { attributes: { region: [["org", "region"]], level: "level" } } });
    expect(await verify(await sign({ org: { region: ["us", "eu"] }, level: 3 }))).toMatchObject({
      attributes: { region: ["eu", "us"], level: ["3"] },
    });
    expect(await verify(await sign({ org: { region: "x".repeat(129) } }))).not.toHaveProperty("attributes");
  });

  test("run no two persons together by numbers that JSON cannot hold", async () => {
    const { sign, verify } = createWorld({ claims: { subject: ["account", "id"], roles: "ranks" } });
    const by = (id: number) => sign({ account: { id }, ranks: [1, id] }).then(verify);
    expect(await by(2 ** 53 - 1)).toMatchObject({ sub: "9007199254740991", roles: ["1", "9007199254740991"] });
    // 9007199254740993 is read as this one, too.
    expect(await by(2 ** 53)).toMatchObject({ code: "token_invalid", facts: { claim: "account.id" } });
    const byName = createWorld({ claims: { roles: "ranks", groups: "team" } });
    const token = await byName.sign({ ranks: [1, 2 ** 53], team: 2 ** 53 });
    expect(await byName.verify(token)).toMatchObject({ roles: ["1"], groups: [] });
  });

  test.each(["jti", "sub", "iat"])("whose %s is nested 20 000 deep are read without it", async (name) => {
    const { signText, verify } = createWorld({ claims: { subject: "uid" } });
    const nested = "[".repeat(20_000) + "]".repeat(20_000);
    expect(await verify(await signText(`"uid":"dana","${name}":${nested}`))).toMatchObject({ sub: "dana" });
  });

  test.each([{ typ: "Refresh" }, { token_use: "refresh_token" }, { token_type: "refresh" }, { type: "refresh" }])(
    "that say %j of their token are no access token's, however it is signed",
    async (kind) => {
      const { sign, verify } = createWorld();
      expect(await verify(await sign(kind))).toMatchObject({
        code: "token_invalid",
        message: "the token is no access token, but a refresh token",
      });
      expect(await verify(await sign({ typ: "Bearer", token_use: "access", token_type: "access" }))).toMatchObject({
        sub: "dana",
      });
    },
  );

  test("never give a name that the prototype of an object has", async () => {
    const { sign, verify } = createWorld({ claims: { subject: "constructor", roles: ["__proto__", "polluted"] } });
    expect(await verify(await sign())).toMatchObject({ message: expect.stringContaining("does not say who") });
  });
});

describe("a refusal", () => {
  test.each([
    [{ aud: "other" }, {}, "audience (aud) is not one that its issuer's entry lists", { claim: "aud", said: "other" }],
    [{ iss: "https://idp.example" }, {}, "differs from a trusted one by the slash", { claim: "iss" }],
    [{ iss: "https://evil.example" }, {}, "is none that is trusted here", { issuer: "https://evil.example" }],
    [{}, { typ: "logout+jwt" }, "type (typ) is none", { claim: "typ", typ: "logout+jwt" }],
    [{}, { crit: ["exp"], exp: 1 }, "demands an extension", { step: "header" }],
    [{}, { kid: "other" }, "publishes no key that fits", { claim: "kid", kid: "other" }],
    [{ sub: undefined }, {}, "does not say who its person is (sub, a text)", { claim: "sub" }],
    [{ nbf: 4_000_000_000 }, {}, "not valid yet", { claim: "nbf" }],
  ])("of claims %j and header %j says why, and names what is at fault", async (claims, header, message, facts) => {
    const { sign, verify } = createWorld();
    const answer = await verify(await sign(claims, header).catch(() => craft(claims, header)));
    expect(answer).toMatchObject({ code: "token_invalid", message: expect.stringContaining(message), facts });
  });

  test("shows no more than 256 characters of what the caller sent", async () => {
    const { sign, verify } = createWorld();
    const { facts } = (await verify(await sign({ iss: "https://x/".padEnd(5_000, "y") }))) as AppError;
    expect(Math.max(...Object.values(facts).map((value) => value.length))).toBeLessThan(260);
  });
});

/** A token that a library refuses to sign. */
function craft(claims: object, header: object): string {
  const parts = [
    { alg: "ES256", kid: "k", ...header },
    { iss: ISSUER, aud: "api", exp: 4_000_000_000, ...claims },
  ];
  return [...parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")), "AAAA"].join(".");
}
