import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isInRange, readAddress, readRange } from "./address-range.ts";

const isIn = (address: string, range: string): boolean | undefined => {
  const bytes = readAddress(address);
  return bytes === undefined ? undefined : isInRange(bytes, readRange(range)!);
};

describe("an address", () => {
  it.each([
    ["10.1.2.3", "10.0.0.0/8", true],
    ["11.0.0.0", "10.0.0.0/8", false],
    ["192.0.2.129", "192.0.2.128/25", true],
    ["192.0.2.127", "192.0.2.128/25", false],
    ["203.0.113.7", "0.0.0.0/0", true],
    ["203.0.113.7", "203.0.113.7/32", true],
    ["2001:DB8:0::1", "2001:db8::/32", true],
    ["2001:db9::1", "2001:db8::/32", false],
    ["2001:db8::7fff", "2001:db8::8000/113", false],
    ["::1", "::1/128", true],
    ["10.1.2.3", "::/0", false],
    ["::", "0.0.0.0/0", false],
    ["::ffff:10.1.2.3", "10.0.0.0/8", true],
    ["::ffff:10.1.2.3", "::/0", false],
    ["::FFFF:a01:203", "10.1.2.3/32", true],
    ["::10.1.2.3", "10.0.0.0/8", false],
    ["::10.1.2.3", "::a01:203/128", true],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221/128", true],
    ["1:0:0:2::3", "1:0:0:2:0:0:0:3/128", true],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0/128", true],
    ["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8/128", true],
    ["1:2:3:4:5:6:10.1.2.3", "1:2:3:4:5:6:a01:203/128", true],
  ])("%s in %s: %s", (address, range, expected) => {
    expect(isIn(address, range)).toBe(expected);
  });

  it.each([
    "",
    "10.1",
    "0x0a.0.0.1",
    "010.0.0.1",
    "167772161",
    "10.0.0.0/8",
    "10.0.0.1 ",
    "fe80::1%eth0",
    "[::1]",
    "localhost",
  ])("is not %j", (text) => {
    expect(readAddress(text)).toBeUndefined();
  });
});

/** An IPv6 address as it may be written: in capitals or not, with zeros before, with or without `::`. */
const written = fc
  .tuple(fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 }), fc.nat(8), fc.nat(8), fc.boolean(), fc.boolean())
  .map(([groups, from, count, inCapitals, withZeros]) => {
    const until = Math.min(8, from + count);
    const shown = groups.map((group, index) => (index >= from && index < until ? 0 : group));
    const texts = shown.map((group) => group.toString(16).padStart(withZeros ? 4 : 1, "0"));
    const text = until > from ? `${texts.slice(0, from).join(":")}::${texts.slice(until).join(":")}` : texts.join(":");
    return {
      text: inCapitals ? text.toUpperCase() : text,
      bytes: shown.flatMap((group) => [group >> 8, group & 0xff]),
    };
  });

it("reads an IPv6 address however it is written", () => {
  fc.assert(
    fc.property(written, ({ text, bytes }) => {
      const isMapped = bytes.slice(0, 12).join() === [...Array.from({ length: 10 }, () => 0), 255, 255].join();
      expect(readAddress(text)).toEqual(isMapped ? bytes.slice(12) : bytes);
    }),
  );
});

it.each([
  "10.0.0.0",
  "10.0.0.1/8",
  "10.0.0.0/33",
  "10.0.0.0/08",
  "10.0.0.0/",
  "10.0.0.0/8/8",
  "::/129",
  "::ffff:10.0.0.0/104",
  "::1/64",
  "/8",
  "10.0.0.0/-1",
])("%j is no range", (text) => {
  expect(readRange(text)).toBeUndefined();
});
