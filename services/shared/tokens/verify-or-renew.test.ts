import { describe, expect, test } from "vitest";
import { AppError } from "../errors/app-error.ts";
import type { ErrorCode } from "../protocol/problem-codes.ts";
import { verifyOneOf } from "./try-tokens.ts";
import { type RenewalUrgency, verifyOrRenew } from "./verify-or-renew.ts";

const CODES: readonly string[] = ["token_invalid", "token_expired", "unavailable"] satisfies ErrorCode[];

/** A token says who has it and until when, `<sub>/<exp>`; or why it is refused. */
async function verify(token: string) {
  const [first = "", exp = "0"] = token.split("/");
  if (CODES.includes(first)) throw new AppError(first as ErrorCode, first);
  return { tenant_id: "acme", sub: first, exp: Number(exp), isOutside: token.endsWith("/outside") };
}

describe("of several tokens", () => {
  test("the one that verifies counts, the longest where several do", async () => {
    expect(await verifyOneOf(["token_invalid", "ann/5", "unavailable", "ann/9"], verify)).toMatchObject({ exp: 9 });
  });

  test("those of two persons are refused", async () => {
    await expect(verifyOneOf(["ann/5", "bob/9"], verify)).rejects.toMatchObject({ code: "conflicting_tokens" });
  });

  test.each([
    [["token_invalid", "token_expired"], "token_expired"],
    [["token_expired", "unavailable"], "unavailable"],
    [["token_invalid"], "token_invalid"],
    [[], "token_missing"],
  ])("none of which verifies (%j) the refusal is %s", async (tokens, code) => {
    await expect(verifyOneOf(tokens, verify)).rejects.toMatchObject({ code });
  });
});

describe("a renewal", () => {
  /** A refresh token `<sub>.<generation>.<outcome>` gives that person a token, or not. */
  function rig(urgency: RenewalUrgency = "none") {
    const asked: string[] = [];
    const deps = {
      verify,
      async renew(token: string) {
        asked.push(token);
        if (token.endsWith("away")) throw new AppError("unavailable", "auth is away");
        return token.endsWith("ok")
          ? { accessToken: `${token.split(".")[0]}/99`, sessionRemainingSeconds: 9 }
          : undefined;
      },
      isOutside: (token: string) => token.endsWith("/outside"),
      urgencyOf: () => urgency,
    };
    const ask = (access: string[], refresh: string[], isExplicit = false) =>
      verifyOrRenew(deps, { access, refresh, isExplicit });
    return { asked, ask };
  }

  test("is not asked for while the access token lasts", async () => {
    const { ask, asked } = rig();
    expect(await ask(["ann/5"], ["ann.1.ok"])).not.toHaveProperty("renewed");
    expect(asked).toEqual([]);
  });

  test.each(["wanted", "needed"] as const)("that is %s comes in place of the old token", async (urgency) => {
    expect(await rig(urgency).ask(["ann/5"], ["ann.1.ok"])).toMatchObject({
      claims: { sub: "ann", exp: 99 },
      renewed: { accessToken: "ann/99" },
    });
  });

  test("that is not to be had leaves the old token, unless auth had to answer", async () => {
    expect(await rig("wanted").ask(["ann/5"], ["ann.1.away"])).toMatchObject({ claims: { exp: 5 } });
    expect(await rig("needed").ask(["ann/5"], ["ann.1.no"])).toMatchObject({ claims: { exp: 5 } });
    const needed = rig("needed").ask(["ann/5"], ["ann.1.away"]);
    await expect(needed).rejects.toMatchObject({ code: "unavailable" });
  });

  test.each([
    ["expired", ["token_expired"]],
    ["absent", []],
    ["another host's, which are no tokens of ours", ["token_invalid"]],
    ["both", ["token_invalid", "token_expired/outside", "token_expired"]],
  ])("serves where the access tokens are %s", async (_, access) => {
    expect(await rig().ask(access, ["x.1.no", "ann.1.ok"])).toMatchObject({ claims: { sub: "ann" } });
  });

  test("never takes the place of an explicit token that is not genuine, or an outside issuer's", async () => {
    await expect(rig().ask(["token_invalid"], ["ann.1.ok"], true)).rejects.toMatchObject({ code: "token_invalid" });
    expect(await rig().ask(["token_expired"], ["ann.1.ok"], true)).toHaveProperty("renewed");
    await expect(rig().ask(["token_expired/outside"], ["ann.1.ok"])).rejects.toMatchObject({ code: "token_expired" });
    expect(await rig("needed").ask(["ann/5/outside"], ["ann.1.ok"])).not.toHaveProperty("renewed");
  });

  test("of two persons is refused, and so is another person's than the old token's", async () => {
    await expect(rig().ask([], ["ann.1.ok", "bob.1.ok"])).rejects.toMatchObject({ code: "conflicting_tokens" });
    const other = rig("wanted").ask(["ann/5"], ["bob.1.ok"]);
    await expect(other).rejects.toMatchObject({ code: "conflicting_tokens" });
  });

  test("is not asked for with what can be no refresh token: one that fills a call would spoil those of others", async () => {
    const { ask, asked } = rig();
    await ask([], ["x".repeat(50_000), "", "\u00ff", "ann.1.ok"]);
    expect(asked).toEqual(["ann.1.ok"]);
  });

  test("asks with the latest generation of each family alone", async () => {
    const { ask, asked } = rig();
    await ask([], ["ann.2.old", "other.1.no", "ann.10.ok", "ann.9.old"]);
    expect(asked).toEqual(["ann.10.ok", "other.1.no"]);
  });
});
