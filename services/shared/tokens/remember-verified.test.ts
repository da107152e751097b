import { expect, test } from "vitest";
import { rememberVerified } from "./remember-verified.ts";

function createVerifier() {
  const [calls, told]: [string[], boolean[]] = [[], []];
  const [clock, basis] = [{ wall: 0 }, { holds: true }];
  const verify = async (token: string) => {
    calls.push(token);
    if (token === "bad") throw new Error("refused");
    return { claims: { exp: 100, roles: ["viewer"] }, basis };
  };
  const onVerified = (cached: boolean): void => void told.push(cached);
  return { calls, told, clock, basis, verify: rememberVerified(verify, onVerified, () => clock.wall) };
}

test("a token that held is not verified again, and another one is", async () => {
  const { calls, verify } = createVerifier();
  expect(await verify("a")).toBe(await verify("a"));
  await verify("b");
  expect(calls).toEqual(["a", "b"]);
});

test("a token that has expired is verified again, so that it is refused as any other", async () => {
  const { calls, clock, verify } = createVerifier();
  await verify("a");
  clock.wall = 104_999;
  await verify("a");
  expect(calls).toEqual(["a"]);
  clock.wall = 105_000;
  await verify("a");
  expect(calls).toEqual(["a", "a"]);
});

test("a token is verified again once what its verdict rests on has changed", async () => {
  const { calls, basis, verify } = createVerifier();
  await verify("a");
  basis.holds = false;
  await verify("a");
  expect(calls).toEqual(["a", "a"]);
});

test("a refusal is not remembered", async () => {
  const { calls, verify } = createVerifier();
  await expect(verify("bad")).rejects.toThrow("refused");
  await expect(verify("bad")).rejects.toThrow("refused");
  expect(calls).toEqual(["bad", "bad"]);
});

test("each verification is told, with whether the token was remembered", async () => {
  const { told, verify } = createVerifier();
  await verify("a");
  await verify("a");
  await expect(verify("bad")).rejects.toThrow("refused");
  expect(told).toEqual([false, true, false]);
});

test("nobody can change what is remembered", async () => {
  const { verify } = createVerifier();
  const claims = await verify("a");
  expect(() => Object.assign(claims, { exp: 1_000 })).toThrow(TypeError);
  expect(() => claims.roles.push("owner")).toThrow(TypeError);
});
