import { describe, expect, test } from "vitest";
import { parseProxyHeader } from "./proxy-header.ts";

const SIGNATURE = "0d0a0d0a000d0a515549540a";
const IPV4 = `${SIGNATURE}2111000cc0000207c6336401d43101bb`;
const IPV6 = `${SIGNATURE}2121002420010db8000100020003000400050006${"0".repeat(31)}1d43101bb`;

const parse = (hex: string, more = "") => parseProxyHeader(Buffer.concat([Buffer.from(hex, "hex"), Buffer.from(more)]));

describe("a header of the PROXY protocol", () => {
  test("names its client, and ends where its length says", () => {
    expect(parse(IPV4, "GET / HTTP/1.1")).toEqual({ length: 28, client: "192.0.2.7" });
    expect(parse(IPV6)).toEqual({ length: 52, client: "2001:db8:1:2:3:4:5:6" });
  });

  test("may have more behind the addresses", () => {
    expect(parse(`${SIGNATURE}2111000fc0000207c6336401d43101bb040000`)).toEqual({ length: 31, client: "192.0.2.7" });
  });

  test("of a proxy's own connection names no client", () => {
    expect(parse(`${SIGNATURE}20000000`)).toEqual({ length: 16, client: undefined });
  });

  test("is incomplete up to its last byte", () => {
    const bytes = Buffer.from(IPV4, "hex");
    for (let length = 0; length < bytes.length; length += 1) {
      expect(parseProxyHeader(bytes.subarray(0, length))).toBe("incomplete");
    }
    expect(parseProxyHeader(bytes)).not.toBe("incomplete");
  });

  test("may have 4 096 bytes, and not one more", () => {
    expect(parse(`${SIGNATURE}21110ff0`)).toBe("incomplete");
    expect(parse(`${SIGNATURE}21110ff1`)).toBe("invalid");
  });

  test.each([
    ["a request without one", Buffer.from("GET /v1/stream HTTP/1.1\r\n").toString("hex")],
    ["version 1", Buffer.from("PROXY TCP4 192.0.2.7 198.51.100.1 1 2\r\n").toString("hex")],
    ["another version", IPV4.replace("2111", "3111")],
    ["another command", IPV4.replace("2111", "2211")],
    ["UDP", IPV4.replace("2111", "2112")],
    ["a Unix socket", IPV4.replace("2111", "2131")],
    ["too few bytes for its addresses", `${SIGNATURE}2111000bc0000207c6336401d43101`],
  ])("is not %s", (_, hex) => {
    expect(parse(hex)).toBe("invalid");
  });
});
