import fc from "fast-check";
import { expect, test } from "vitest";
import { formatEventId, parseEventId } from "./event-id.ts";

test("an id comes back as what it was made of", () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[A-Za-z0-9_-]{8,32}$/),
      fc.maxSafeNat(),
      fc.stringMatching(/^[a-z0-9]{1,16}$/),
      (epoch, seq, tag) => {
        expect(parseEventId(formatEventId(epoch, { seq, tag }))).toEqual({ epoch, position: { seq, tag } });
      },
    ),
  );
});

test("sequence 0 and tag 0 are an id", () => {
  expect(parseEventId("aaaaaaaa.0.0")).toEqual({ epoch: "aaaaaaaa", position: { seq: 0, tag: "0" } });
});

test("the largest sequence is 2^53 - 1", () => {
  expect(parseEventId("aaaaaaaa.9007199254740991.0")?.position.seq).toBe(Number.MAX_SAFE_INTEGER);
  expect(parseEventId("aaaaaaaa.9007199254740992.0")).toBeUndefined();
});

test("epoch and tag have at most 32 and 16 characters, an epoch at least 8", () => {
  const [epoch, tag] = ["e".repeat(32), "t".repeat(16)];
  expect(parseEventId(`${epoch}.1.${tag}`)).toEqual({ epoch, position: { seq: 1, tag } });
  expect(parseEventId(`${epoch}e.1.${tag}`)).toBeUndefined();
  expect(parseEventId(`${epoch}.1.${tag}t`)).toBeUndefined();
  expect(parseEventId("eeeeeee.1.0")).toBeUndefined();
});

test.each([
  "",
  "5",
  "aaaaaaaa.5",
  "aaaaaaaa..0",
  "aaaaaaaa.-1.0",
  "aaaaaaaa.+1.0",
  "aaaaaaaa.1e3.0",
  "aaaaaaaa.0x1.0",
  "aaaaaaaa. 1.0",
  "aaaaaaaa.1.0 ",
  "aaaaaaaa.1.0\n",
  "aaaaaaaa.1.0\0",
  "aaaaaaaa.1.ABC",
  "aaaaaaaa.1.0.0",
  "aaaa aaaa.1.0",
  "aaaaaaaa.١.0",
  "a".repeat(10_000),
])("%j is no id", (text) => expect(parseEventId(text)).toBeUndefined());

test("whatever a client sends is an id of ours or none, and never throws", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(0x10ffff), { maxLength: 200 }), (characters) => {
      const id = parseEventId(String.fromCodePoint(...characters));
      expect(id === undefined || id.position.seq >= 0).toBe(true);
    }),
  );
});
