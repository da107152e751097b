import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { type CompactJWSHeaderParameters, compactVerify, CompactSign, type JWK } from "jose";
import { describe, expect, test } from "vitest";
import { AppError } from "#shared/errors/app-error.ts";
import { parseKeySet } from "./parse-key-set.ts";
import { remoteKeys } from "./remote-keys.ts";

interface Pair {
  readonly privateKey: KeyObject;
  readonly jwk: JWK;
}

function createPair(kid: string | undefined, more: object = {}): Pair {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { privateKey, jwk: { ...publicKey.export({ format: "jwk" }), ...(kid !== undefined && { kid }), ...more } };
}

function sign({ privateKey }: Pair, header: Partial<CompactJWSHeaderParameters> = {}): Promise<string> {
  return new CompactSign(Buffer.from("{}")).setProtectedHeader({ alg: "ES256", ...header }).sign(privateKey);
}

/** Keys of a server whose answers, or failures, are put in by hand. */
function createKeys(answer: unknown) {
  const world = { answer, fetches: 0, clock: 0, faults: [] as (string | undefined)[] };
  const keys = remoteKeys("https://idp.example/keys", {
    async fetchKeySet() {
      world.fetches += 1;
      if (world.answer instanceof Error) throw world.answer;
      return world.answer;
    },
    now: () => world.clock,
    onFault: (fault) => void world.faults.push(fault),
  });
  const holds = async (token: string): Promise<boolean | string> => {
    try {
      await compactVerify(token, keys);
      return true;
    } catch (error) {
      return (error as AppError).code;
    }
  };
  return { world, keys, holds };
}

describe("a key set", () => {
  const good = createPair("good");

  test.each([
    ["null", null],
    ["a text", "key"],
    ["a list", []],
    ["a kind nobody knows", { kty: "QUANTUM", kid: "q" }],
    ["a kind that every object knows", { kty: "constructor", kid: "good" }],
    ["a kind that is no text", { kty: { toString: 1 }, kid: "good" }],
    ["a shared secret", { kty: "oct", k: "c2VjcmV0", kid: "good" }],
    ["a key without its members", { kty: "RSA", kid: "good" }],
    ["a member of another type", { kty: "EC", crv: "P-256", x: 1, y: 2, kid: "good" }],
    ["a private key", { ...good.jwk, d: "AAAA", kid: "good" }],
  ])("with %s in it is used without that", async (_, junk) => {
    const { holds } = createKeys({ keys: [junk, good.jwk, junk] });
    expect(await holds(await sign(good, { kid: "good" }))).toBe(true);
  });

  test.each([null, [], "x", {}, { keys: {} }, { keys: null }])("that is %j is none, and is told", async (answer) => {
    const { holds, world } = createKeys(answer);
    expect(await holds(await sign(good, { kid: "good" }))).toBe("unavailable");
    expect(world.faults).toEqual(['the answer is no key set: it has no list named "keys"']);
  });

  test("keeps an Ed25519 key for EdDSA and Ed25519 alike", () => {
    const [key] = parseKeySet({ keys: [{ kty: "OKP", crv: "Ed25519", x: "AAAA", alg: "EdDSA", kid: 7 }] });
    expect(key).toEqual({ kty: "OKP", crv: "Ed25519", x: "AAAA" });
  });

  test.each([["sign", "verify"], ["verify"], ["encrypt", "verify", "wrapKey"]])(
    "whose key is also for what its private part does serves: %s, %s",
    async (...key_ops) => {
      const pair = createPair("k", { key_ops: key_ops.filter((each) => each !== undefined) });
      expect(await createKeys({ keys: [pair.jwk] }).holds(await sign(pair, { kid: "k" }))).toBe(true);
    },
  );

  test("whose key says null of what it does not have serves", async () => {
    const pair = createPair("k", { alg: null, use: null, key_ops: null, ext: null, d: null, x5c: null });
    expect(await createKeys({ keys: [pair.jwk] }).holds(await sign(pair, { kid: "k" }))).toBe(true);
  });

  test.each([[["sign"]], [[]]])("whose key is not for verifying does not: %j", async (key_ops) => {
    const pair = createPair("k", { key_ops });
    expect(await createKeys({ keys: [pair.jwk] }).holds(await sign(pair, { kid: "k" }))).toBe(
      "ERR_JWKS_NO_MATCHING_KEY",
    );
  });

  test("whose key has no kid serves tokens with one and without", async () => {
    const unnamed = createPair(undefined);
    const { holds } = createKeys({ keys: [good.jwk, unnamed.jwk] });
    expect(await holds(await sign(unnamed, { kid: "whatever" }))).toBe(true);
    const { holds: holdsAlone } = createKeys({ keys: [unnamed.jwk] });
    expect(await holdsAlone(await sign(unnamed))).toBe(true);
  });
});

describe("verdicts by keys", () => {
  test("rest on them while keys are added, and no longer once one is gone", async () => {
    const [first, second] = [createPair("1"), createPair("2")];
    const { world, keys, holds } = createKeys({ keys: [first.jwk] });
    await holds(await sign(first, { kid: "1" }));
    const before = keys.basis();
    world.clock += 300_000;
    world.answer = { keys: [second.jwk, first.jwk] };
    await keys.ensure();
    expect(before.holds).toBe(true);
    world.clock += 300_000;
    world.answer = { keys: [second.jwk] };
    await keys.ensure();
    expect([before.holds, keys.basis().holds]).toEqual([false, true]);
  });
});

describe("a fetch that fails", () => {
  test("is told once, and once more when it succeeds, however often it is tried", async () => {
    const pair = createPair("1");
    const refused = new AppError("unavailable", "the connection is refused", { facts: { url: "u" } });
    const { world, keys } = createKeys(refused);
    for (let round = 0; round < 5; round += 1) {
      await keys.ensure();
      world.clock += 1_000;
    }
    expect([world.fetches, world.faults, keys.fault()]).toEqual([5, [refused.message], refused.message]);
    world.answer = { keys: [pair.jwk] };
    await keys.ensure();
    expect([world.faults, keys.fault()]).toEqual([[refused.message, undefined], undefined]);
  });

  test("holds nobody up while the keys are not old yet, as they are fetched a minute before", async () => {
    const pair = createPair("1");
    const { world, keys, holds } = createKeys({ keys: [pair.jwk] });
    const token = await sign(pair, { kid: "1" });
    await keys.keep();
    world.answer = new AppError("unavailable", "the connection is refused");
    for (const [clock, fetches] of [
      [239_999, 1],
      [240_000, 2],
      [240_500, 2],
      [299_999, 3],
    ] as const) {
      world.clock = clock;
      await keys.keep();
      expect([await holds(token), world.fetches, world.faults, keys.fault()]).toEqual([true, fetches, [], undefined]);
    }
    world.clock = 301_000;
    expect([await holds(token), world.faults]).toEqual(["unavailable", ["the connection is refused"]]);
  });

  test("gives its callers the reason and the facts", async () => {
    const refused = new AppError("unavailable", "the connection is refused", { facts: { url: "u" } });
    const { keys } = createKeys(refused);
    await expect(compactVerify(await sign(createPair("1"), { kid: "1" }), keys)).rejects.toMatchObject({
      code: "unavailable",
      message: "the signing keys of the token's issuer cannot be fetched: the connection is refused",
      facts: { url: "u" },
      cause: refused,
    });
  });

  test("of a set without a usable key is a fault", async () => {
    const { keys } = createKeys({ keys: [null] });
    await keys.ensure();
    expect(keys.fault()).toBe("the key set has no key that can be used");
  });
});
