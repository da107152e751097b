import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { type CryptoKey, exportSPKI, importJWK, type JWTPayload } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { remoteKeys } from "#shared/tokens/remote-keys.ts";
import { verifyAccessToken } from "#shared/tokens/verify-access-token.ts";
import { listenHere } from "#test/support/listen-here.ts";
import { type Issuer, startIssuer } from "#test/support/start-issuer.ts";

const EXPECTED = { issuer: "https://auth.example", audience: "sluice" };

let issuer: Issuer;
let rsa: Issuer;
let clock = 0;
let keys: ReturnType<typeof remoteKeys>;

beforeAll(async () => {
  [issuer, rsa] = await Promise.all([startIssuer("ES256"), startIssuer("RS256")]);
});
beforeEach(() => {
  keys = remoteKeys(issuer.jwksUri, { now: () => clock });
});
afterAll(() => Promise.all([issuer[Symbol.asyncDispose](), rsa[Symbol.asyncDispose]()]));

function claims(change: Record<string, unknown> = {}): JWTPayload {
  const now = Math.floor(Date.now() / 1_000);
  return {
    iss: EXPECTED.issuer,
    aud: EXPECTED.audience,
    sub: "alice",
    exp: now + 60,
    iat: now,
    jti: "j",
    client_id: "web",
    sid: "session-1",
    tenant_id: "demo",
    login_at: "2026-01-01T00:00:00Z",
    ...change,
  };
}

/** The code of the refusal, or the claims of a token that holds. */
function verify(token: string): Promise<unknown> {
  return verifyAccessToken(token, keys, EXPECTED).catch((error: { code: string }) => error.code);
}

/** A token put together by hand. */
function assemble(header: object, payload: object, sign: (text: string) => string): string {
  const text = [header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  return `${text}.${sign(text)}`;
}

test("a token of the issuer, signed by its key, holds", async () => {
  expect(await verify(await issuer.sign(claims()))).toMatchObject({ sub: "alice", sid: "session-1" });
});

describe("a token that lies about its algorithm", () => {
  test("and says none", async () => {
    for (const alg of ["none", "None", "NONE", ""]) {
      expect(await verify(assemble({ alg, typ: "at+jwt", kid: "key-1" }, claims(), () => ""))).toBe("token_invalid");
    }
  });

  test("and is signed by HS256 with the public key in any of its forms", async () => {
    const pem = await exportSPKI((await importJWK(issuer.jwk, "ES256", { extractable: true })) as CryptoKey);
    for (const secret of [pem, pem.trim(), JSON.stringify(issuer.jwk), issuer.jwk.x ?? ""]) {
      const sign = (text: string) => createHmac("sha256", secret).update(text).digest("base64url");
      expect(await verify(assemble({ alg: "HS256", typ: "at+jwt", kid: "key-1" }, claims(), sign))).toBe(
        "token_invalid",
      );
    }
  });

  test("and swaps ES for RS, or RS for ES, also where both keys are published under one name", async () => {
    issuer.publish([issuer.jwk, rsa.jwk]);
    expect(await verify(await rsa.sign(claims()))).toBe("token_invalid");
    const parts = (await rsa.sign(claims())).split(".");
    const header = Buffer.from(JSON.stringify({ alg: "ES256", typ: "at+jwt", kid: "key-1" })).toString("base64url");
    expect(await verify([header, ...parts.slice(1)].join("."))).toBe("token_invalid");
    expect(await verify(await issuer.sign(claims()))).toMatchObject({ sub: "alice" });
    issuer.publish([issuer.jwk]);
  });
});

describe("a token that names its key", () => {
  test.each([
    "../../../etc/passwd",
    "/dev/null",
    "http://127.0.0.1:1/keys.json",
    "key-1/../key-1",
    "__proto__",
    "' OR 1=1",
    "key-1\u0000",
  ])("%j is refused", async (kid) => {
    expect(await verify(await issuer.sign(claims(), { kid }))).toBe("token_invalid");
  });

  test("at a length of 257, of 1 MB, of 0, not at all, or by a number is refused before any key is fetched", async () => {
    const before = issuer.fetches();
    for (const kid of ["k".repeat(257), "k".repeat(1_048_576), "", undefined, 1]) {
      expect(await verify(await issuer.sign(claims(), { kid }))).toBe("token_invalid");
    }
    expect(issuer.fetches()).toBe(before);
  });

  test("by unknown names in a flood has the keys fetched once in 10 s", async () => {
    await verify(await issuer.sign(claims()));
    const before = issuer.fetches();
    const flood = async () => {
      const tokens = Array.from({ length: 200 }, (_, index) => issuer.sign(claims(), { kid: `unknown-${index}` }));
      const answers = await Promise.all(tokens.map(async (token) => verify(await token)));
      expect(new Set(answers)).toEqual(new Set(["token_invalid"]));
    };
    await flood();
    expect(issuer.fetches()).toBe(before);
    clock += 10_000;
    await flood();
    await flood();
    expect(issuer.fetches()).toBe(before + 1);
  });

  test.each([
    { jku: "http://127.0.0.1:1/jwks.json" },
    { x5u: "http://127.0.0.1:1/cert.pem" },
    { x5c: ["MIIB"] },
    { jwk: { kty: "EC" } },
  ])("and brings it along as %j is refused, though its signature is good", async (header) => {
    expect(await verify(await issuer.sign(claims(), header))).toBe("token_invalid");
  });

  test("and asks us to understand an extension is refused", async () => {
    expect(await verify(await issuer.sign(claims(), { crit: ["b64"], b64: true }))).toBe("token_invalid");
  });
});

describe("a genuine token of another kind or for somebody else", () => {
  test.each([{ typ: "JWT" }, { typ: "id+jwt" }, { typ: "rt+jwt" }, { typ: undefined }])(
    "with the header %j is not an access token",
    async (header) => {
      expect(await verify(await issuer.sign(claims(), header))).toBe("token_invalid");
    },
  );

  test.each([{ aud: "other" }, { aud: [] }, { aud: undefined }, { iss: "https://evil.example" }, { iss: undefined }])(
    "with the claims %j is refused",
    async (change) => {
      expect(await verify(await issuer.sign(claims(change)))).toBe("token_invalid");
    },
  );

  test.each(["sid", "tenant_id"])("with a %s that is no id is refused", async (name) => {
    for (const value of ["a.b", "*", ">", "", "a b", "a".repeat(65), 7, null, ["alice"]]) {
      expect(await verify(await issuer.sign(claims({ [name]: value })))).toBe("token_invalid");
    }
  });

  test("with a sub that is no name is refused", async () => {
    for (const value of ["", "a\u0000b", "a".repeat(257), "Zoe\u0308", "\ud800", 7, null, ["alice"]]) {
      expect(await verify(await issuer.sign(claims({ sub: value })))).toBe("token_invalid");
    }
  });
});

describe("a genuine token whose time is odd", () => {
  const soon = Math.floor(Date.now() / 1_000) + 60;
  test.each([String(soon), soon + 0.5, 2 ** 53, 2 ** 53 - 1, 1e300, null, true, [soon], undefined])(
    "with exp %j is refused",
    async (exp) => {
      expect(await verify(await issuer.sign(claims({ exp })))).toBe("token_invalid");
    },
  );

  test("with a negative exp, or one of 0, has expired", async () => {
    for (const exp of [-1, -soon, 0]) expect(await verify(await issuer.sign(claims({ exp })))).toBe("token_expired");
  });

  test("is believed within the leeway of 5 s, and no longer", async () => {
    const now = Math.floor(Date.now() / 1_000);
    expect(await verify(await issuer.sign(claims({ exp: now - 3 })))).toMatchObject({ sub: "alice" });
    expect(await verify(await issuer.sign(claims({ exp: now - 6 })))).toBe("token_expired");
    expect(await verify(await issuer.sign(claims({ nbf: now + 3 })))).toMatchObject({ sub: "alice" });
    expect(await verify(await issuer.sign(claims({ nbf: now + 8 })))).toBe("token_invalid");
    expect(await verify(await issuer.sign(claims({ nbf: "soon" })))).toBe("token_invalid");
  });
});

describe("a clock 5 minutes from auth's", () => {
  const fiveMinutes = 300;
  test("behind it refuses a token that is not valid yet", async () => {
    const now = Math.floor(Date.now() / 1_000) + fiveMinutes;
    expect(await verify(await issuer.sign(claims({ iat: now, nbf: now, exp: now + 60 })))).toBe("token_invalid");
  });

  test("ahead of it finds a fresh token expired", async () => {
    const now = Math.floor(Date.now() / 1_000) - fiveMinutes;
    expect(await verify(await issuer.sign(claims({ iat: now, nbf: now, exp: now + 60 })))).toBe("token_expired");
  });
});

describe("keys that cannot be had", () => {
  test("make tokens wait rather than fail, and are asked for once a second", async () => {
    const token = await issuer.sign(claims());
    const before = issuer.fetches();
    issuer.publish(undefined);
    for (let attempt = 0; attempt < 5; attempt += 1) expect(await verify(token)).toBe("unavailable");
    expect(issuer.fetches()).toBe(before + 1);
    clock += 1_000;
    issuer.publish([issuer.jwk]);
    expect(await verify(token)).toMatchObject({ sub: "alice" });
  });

  test("are not believed for more than five minutes without being asked for again", async () => {
    const token = await issuer.sign(claims());
    expect(await verify(token)).toMatchObject({ sub: "alice" });
    issuer.publish([]);
    clock += 299_999;
    expect(await verify(token)).toMatchObject({ sub: "alice" });
    clock += 1;
    expect(await verify(token)).toBe("token_invalid");
    issuer.publish([issuer.jwk]);
  });

  test("are not taken from where a redirect leads, from a body without end, nor from one that is none", async () => {
    const token = await issuer.sign(claims());
    const answers = [
      { status: 302, headers: { location: issuer.jwksUri }, body: "" },
      { status: 200, headers: {}, body: `{"keys":[${" ".repeat(300_000)}]}` },
      { status: 200, headers: {}, body: "<html>" },
      { status: 200, headers: {}, body: '{"keys":"none"}' },
    ];
    for (const { status, headers, body } of answers) {
      await using server = await listenHere(
        createServer((_, response) => response.writeHead(status, headers).end(body)),
      );
      keys = remoteKeys(`http://127.0.0.1:${server.port}/`);
      expect(await verify(token)).toBe("unavailable");
    }
  });
});
