import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sluice } from "#test/support/run-sluice.ts";
import { type Issuer, startIssuer } from "#test/support/start-issuer.ts";

const ISSUER = "https://login.example.com/";

let issuer: Issuer;
beforeAll(async () => {
  issuer = await startIssuer("RS256");
});
afterAll(() => issuer[Symbol.asyncDispose]());

function sign(change: object = {}, header = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1_000);
  return issuer.sign({ iss: ISSUER, aud: "sluice", sub: "dana", iat: now, exp: now + 600, ...change }, header);
}

/** Checks a token as one of the issuer, from stdin. */
async function check(token: string, { jwks = issuer.jwksUri, audience = "sluice" } = {}) {
  const trust = ["--issuer", ISSUER, "--audience", audience, "--jwks", jwks, "--tenant", "acme"];
  const { code, out } = await sluice(["token", "check", ...trust, "-"], { stdin: `${token}\n` });
  const lines = out.join("\n");
  const signature = token.split(".")[2] ?? "";
  expect(signature === "" || !lines.includes(signature)).toBe(true);
  return { code, lines, done: out.filter((line) => line.startsWith("✓")).map((line) => line.split(" ")[1]) };
}

describe("sluice token check", () => {
  test("says every step of a token that holds", async () => {
    const { code, lines, done } = await check(await sign());
    expect([code, done]).toEqual([
      0,
      [
        "shape",
        "issuer",
        "header",
        "key",
        "signature",
        "audience",
        "times",
        "tenant",
        "subject",
        "roles",
        "groups",
        "attributes",
      ],
    ]);
    expect(lines).toContain(`fetched ${issuer.jwksUri}: key-1 (RSA)`);
    expect(lines).toContain("The token holds until ");
  });

  test("stops at a token that is cut off", async () => {
    const { code, lines, done } = await check((await sign()).split(".").slice(0, 2).join("."));
    expect([code, done]).toEqual([1, []]);
    expect(lines).toContain("✗ shape      this is no signed JSON Web Token");
    expect(lines).toContain("Give the whole token");
  });

  test("stops at an issuer that differs by a slash", async () => {
    const { code, lines, done } = await check(await sign({ iss: ISSUER.slice(0, -1) }));
    expect([code, done]).toEqual([1, ["shape"]]);
    expect(lines).toContain("is none that is trusted here: it differs from a trusted one by the slash at its end");
    expect(lines).toContain("Add an entry for https://login.example.com to the issuers' file");
  });

  test("stops at a token for somebody else", async () => {
    const { code, lines, done } = await check(await sign({ aud: ["account", "other"] }));
    expect([code, done.at(-1)]).toEqual([1, "signature"]);
    expect(lines).toContain("✗ audience   the token's audience (aud) is not one that its issuer's entry lists");
    expect(lines).toContain('The entry lists sluice. If ["account","other"] is this service, list it under audience');
  });

  test("stops at a token that has ended, and says how long ago", async () => {
    const { code, lines, done } = await check(await sign({ exp: Math.floor(Date.now() / 1_000) - 7_200 }));
    expect([code, done.at(-1)]).toEqual([1, "audience"]);
    expect(lines).toMatch(/✗ times +the access token has expired/);
    expect(lines).toMatch(/It ended 720\d s ago by this machine's clock/);
  });

  test("stops at a signature by another key", async () => {
    await using other = await startIssuer("RS256");
    const { code, lines, done } = await check(await sign(), { jwks: other.jwksUri });
    expect([code, done.at(-1)]).toEqual([1, "key"]);
    expect(lines).toContain("✗ signature  the token's signature is not by the key that its issuer publishes");
  });

  test.each([
    [{ typ: "id+jwt" }, "the token's type (typ) is none", "List id+jwt under type"],
    [{ kid: "unknown" }, "publishes no key that fits the token's kid", "of another environment"],
  ])("stops at the header %j", async (header, reason, advice) => {
    const { code, lines } = await check(await sign({}, header));
    expect([code, lines]).toEqual([1, expect.stringContaining(reason)]);
    expect(lines).toContain(advice);
  });

  test("stops where the keys are a page for people", async () => {
    const server = createServer((_, response) => response.end("<html>")).listen(0, "127.0.0.1");
    await once(server, "listening");
    const jwks = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const { code, lines } = await check(await sign(), { jwks });
    server.close();
    expect(code).toBe(1);
    expect(lines).toContain(`could not fetch ${jwks}: the server answers HTML instead of JSON`);
    expect(lines).toContain(
      "✗ key        the signing keys of the token's issuer cannot be fetched: the server answers HTML",
    );
  });

  test("names an option that lacks another", async () => {
    const { code, err } = await sluice(["token", "check", "--issuer", ISSUER, "-"], { stdin: "x" });
    expect([code, err.join()]).toEqual([2, expect.stringContaining("needs --issuer with --audience")]);
  });
});

describe("sluice token make", () => {
  const make = (...more: string[]) => sluice(["token", "make", "--sub", "jane@acme.com", "--tenant", "demo", ...more]);

  test("makes a token that the demo trusts, and nobody else", async () => {
    const { code, out, err } = await make("--roles", "triager, maintainer", "--groups", "ops");
    expect([code, out.length, err.join()]).toEqual([0, 1, expect.stringContaining("in the demo alone")]);
    const checkBy = (...issuers: string[]) => sluice(["token", "check", ...issuers, "-"], { stdin: out[0] ?? "" });
    const inDemo = await checkBy("--issuers", "infra/demo/issuers.yaml");
    expect([inDemo.code, inDemo.out]).toEqual([
      0,
      expect.arrayContaining([
        "✓ subject    jane@acme.com",
        "✓ roles      2: triager, maintainer",
        "✓ groups     1: ops",
        "✓ tenant     demo",
      ]),
    ]);
    expect((await checkBy()).code).toBe(1);
  });

  test("names what is wrong with its options", async () => {
    expect(await sluice(["token", "make", "--sub", "x", "--tenant", "acme"])).toMatchObject({
      code: 2,
      err: [expect.stringContaining("--tenant must be demo or rival")],
    });
  });
});
