import { describe, expect, test } from "vitest";
import { faultOfCallback, isPublicAddress, listedHostsSchema } from "./callback-url.ts";

const LISTED = listedHostsSchema.parse("hooks.internal, 10.0.0.7:8443,[::1]:9000, plain.internal:80");

describe("a public address", () => {
  test.each(["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])("is %s", (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  test.each(
    `10.0.0.1 172.16.0.1 192.168.0.1 127.0.0.1 0.0.0.0 169.254.169.254 100.64.0.1 192.0.0.1 192.0.2.1 198.18.0.1 203.0.113.5 224.0.0.1
    240.0.0.1 255.255.255.255 ::1 :: fe80::1 fc00::1 fec0::1 ff02::1 2001:db8::1 ::ffff:127.0.0.1 ::127.0.0.1 64:ff9b::7f00:1
    64:ff9b:1::1 2002:7f00:1:: 2001::1 100::1 4000::1 fe80::1%eth0 localhost`.split(/\s+/),
  )("is not %s", (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

describe("a callback address", () => {
  test.each([
    "https://example.com/hooks?tenant=acme",
    "https://8.8.8.8/",
    "https://[2606:4700::1111]:8443/",
    "http://hooks.internal:3000/a",
    "https://10.0.0.7:8443/",
    "http://[::1]:9000/",
    "http://plain.internal/",
  ])("may be %s", (url) => {
    expect(faultOfCallback(url, LISTED)).toBeUndefined();
  });

  test.each([
    ["http://example.com/", "it must be an https address"],
    ["ftp://hooks.internal/", "it must be an https address"],
    ["hooks.internal", "it must be an https address"],
    ["https://10.0.0.7/", "it must be a public address"],
    ["https://2130706433/", "it must be a public address"],
    ["https://0x7f.1/", "it must be a public address"],
    ["https://[::ffff:127.0.0.1]/", "it must be a public address"],
    ["https://u:p@example.com/", "it must not hold a password: sign with a secret"],
    ["https://example.com/#here", "it must not have a fragment"],
    [`https://example.com/${"a".repeat(2_048)}`, "it may have 2048 characters"],
  ])("may not be %s", (url, fault) => {
    expect(faultOfCallback(url, LISTED)).toBe(fault);
  });
});

test("listed hosts are hosts, with or without a port", () => {
  expect([...listedHostsSchema.parse("")]).toEqual([]);
  expect([...LISTED]).toEqual(["hooks.internal", "10.0.0.7:8443", "[::1]:9000", "plain.internal:80"]);
  for (const text of ["https://a.b", "a.b/c", "a b", "a:b"])
    expect(listedHostsSchema.safeParse(text).success).toBe(false);
});
