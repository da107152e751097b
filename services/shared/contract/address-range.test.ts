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
