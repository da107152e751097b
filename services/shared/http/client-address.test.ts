import { BlockList } from "node:net";
import type { Context } from "hono";
import { describe, expect, test } from "vitest";
import { clientAddressOf, networkOfPeer, proxiesSchema } from "./client-address.ts";

function addressOf(peer: string, forwarded?: string, proxies = ""): string {
  const context = { env: { incoming: { socket: { remoteAddress: peer } } }, req: { header: () => forwarded } };
  return clientAddressOf(context as unknown as Context, proxiesSchema.parse(proxies));
}

describe("a request's address", () => {
  test.each([
    ["192.0.2.7", "192.0.2.7"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:DB8:1:2::1", "2001:db8:1:2::/64"],
    ["::1", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ])("of the peer %s is %s", (peer, address) => {
    expect(addressOf(peer)).toBe(address);
  });

  test("is the peer's, whatever it says, unless the peer is a proxy of ours", () => {
    expect(addressOf("192.0.2.7", "203.0.113.1")).toBe("192.0.2.7");
    expect(addressOf("192.0.2.7", "203.0.113.1", "192.0.2.8")).toBe("192.0.2.7");
    expect(addressOf("192.0.2.7", "203.0.113.1", "192.0.2.7")).toBe("203.0.113.1");
    expect(addressOf("::ffff:10.1.2.3", "203.0.113.1", "172.16.0.1, 10.0.0.0/8")).toBe("203.0.113.1");
    expect(addressOf("2001:db8::1", "2001:db8:9:9::1", "2001:db8::/32")).toBe("2001:db8:9:9::/64");
  });

  test("behind a proxy is the last hop, the only one that the proxy wrote itself", () => {
    expect(addressOf("10.0.0.1", "198.51.100.1, 203.0.113.1", "10.0.0.1")).toBe("203.0.113.1");
    for (const broken of [undefined, "", "me", "203.0.113.1, me", "203.0.113.1:me", "[me]:443"]) {
      expect(addressOf("10.0.0.1", broken, "10.0.0.1")).toBe("10.0.0.1");
    }
  });
});

test.each([
  ["203.0.113.1:51234", "203.0.113.1"],
  ["198.51.100.1:80, 203.0.113.1:51234", "203.0.113.1"],
  ["[2001:db8:1:2::3]:51234", "2001:db8:1:2::/64"],
  ["2001:db8:1:2::3", "2001:db8:1:2::/64"],
])("the last hop in %s is %s, also where a port stands beside it", (forwarded, address) => {
  expect(addressOf("10.0.0.1", forwarded, "10.0.0.1")).toBe(address);
});

describe("the address behind a proxy that writes Forwarded", () => {
  test.each([
    ["for=192.0.2.1", "192.0.2.1"],
    ["by=203.0.113.1;FOR=192.0.2.1;proto=https", "192.0.2.1"],
    ['for=203.0.113.9, for="192.0.2.1:4711"', "192.0.2.1"],
    ['for="[2001:db8:1:2::3]:4711"', "2001:db8:1:2::/64"],
    ["for=unknown", "10.0.0.1"],
    ["for=_hidden", "10.0.0.1"],
    ["proto=https", "10.0.0.1"],
  ])("of %s is %s", (forwarded, address) => {
    const headers = { forwarded, "x-forwarded-for": "198.51.100.1" };
    const trusted = { proxies: proxiesSchema.parse("10.0.0.0/8"), header: "forwarded" } as const;
    expect(networkOfPeer("10.0.0.1", headers, trusted)).toBe(address);
    expect(networkOfPeer("192.0.2.77", headers, trusted)).toBe("192.0.2.77");
  });
});

test.each(["me", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8/8", "10.0.0.0/-1", "::/129", "*"])(
  "%s is no proxy",
  (entry) => {
    expect(proxiesSchema.safeParse(entry).success).toBe(false);
  },
);

test("no setting means no proxies", () => {
  expect(proxiesSchema.parse(undefined)).toBeInstanceOf(BlockList);
});
