import { createHmac, generateKeyPairSync, verify } from "node:crypto";
import { describe, expect, test } from "vitest";
import { readSigner } from "./sign-message.ts";

const BYTES = Buffer.from("a secret of thirty-two bytes, so");
const SECRET = `whsec_${BYTES.toString("base64")}`;
const BODY = Buffer.from('[{"id":"1"}]');

describe("a message", () => {
  test("is signed as the specification's own example is", () => {
    const signer = readSigner("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    const body = Buffer.from('{"test": 2432232314}');
    expect(signer?.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body)).toBe(
      "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    );
  });

  test("is signed by every secret, each with its kind", () => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const seed = privateKey.export({ format: "der", type: "pkcs8" }).subarray(-32);
    const [first = "", second = ""] = (
      readSigner(`${SECRET} whsk_${seed.toString("base64")}`)?.sign("msg_1", 7, BODY) ?? ""
    ).split(" ");
    const content = Buffer.from(`msg_1.7.${BODY.toString()}`);
    expect(first).toBe(`v1,${createHmac("sha256", BYTES).update(content).digest("base64")}`);
    expect(second.startsWith("v1a,")).toBe(true);
    expect(verify(null, content, publicKey, Buffer.from(second.slice(4), "base64"))).toBe(true);
  });
});

test.each([
  ["nothing", ""],
  ["another prefix", "secret_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
  ["23 bytes", `whsec_${BYTES.subarray(0, 23).toString("base64")}`],
  ["65 bytes", `whsec_${Buffer.alloc(65).toString("base64")}`],
  ["an Ed25519 key of 31 bytes", `whsk_${Buffer.alloc(31).toString("base64")}`],
  ["one good and one bad", `${SECRET} whsec_AA`],
  ["two spaces", `${SECRET}  ${SECRET}`],
])("%s is no secret", (_what, text) => {
  expect(readSigner(text)).toBeUndefined();
});
