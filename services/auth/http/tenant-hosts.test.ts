import { describe, expect, test } from "vitest";
import { tenantHostsSchema, tenantOfLogin } from "./tenant-hosts.ts";

const HOSTS = tenantHostsSchema.parse(
  "Shop.acme.example=acme, *.app.example=*, *.rival.example=rival,www.app.example=front",
);

describe("the tenant of a login", () => {
  test.each([
    ["shop.acme.example", "acme"],
    ["SHOP.acme.example.:8443", "acme"],
    ["beta.app.example", "beta"],
    ["www.app.example", "front"],
    ["anything.rival.example:80", "rival"],
  ])("at %s is %s, named or not", (host, tenant) => {
    expect(tenantOfLogin(HOSTS, host, undefined)).toBe(tenant);
    expect(tenantOfLogin(HOSTS, host, tenant)).toBe(tenant);
    const other = () => tenantOfLogin(HOSTS, host, "other");
    expect(other).toThrow(expect.objectContaining({ code: "forbidden" }));
  });

  test.each(["acme.example", "app.example", "a.b.app.example", ".app.example", "b_c%.app.example", "", "[::1]:80"])(
    "at %j is the one it names, and has to name one",
    (host) => {
      expect(tenantOfLogin(HOSTS, host, "beta")).toBe("beta");
      const none = () => tenantOfLogin(HOSTS, host, undefined);
      expect(none).toThrow(expect.objectContaining({ code: "malformed_request" }));
    },
  );
});

test.each([
  ["acme", /<host>=<tenant>/],
  ["a.example=", /<host>=<tenant>/],
  ["a.example=*", /<host>=<tenant>/],
  ["*=acme", /<host>=<tenant>/],
  ["https://a.example=acme", /<host>=<tenant>/],
  ["a.example=b c", /<host>=<tenant>/],
  ["a.example=a,A.example=b", /twice/],
])("the setting %s is refused with words", (text, words) => {
  expect(() => tenantHostsSchema.parse(text)).toThrow(words);
});
