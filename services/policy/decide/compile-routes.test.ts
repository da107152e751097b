import { describe, expect, test } from "vitest";
import type { Route } from "../document/policy-document.ts";
import { compileRoutes } from "./compile-routes.ts";

const route = (method: string, path: string, permission: string, topics: string[] = []): Route => ({
  method,
  path,
  permission,
  topics,
});

const match = compileRoutes([
  route("GET", "/", "home:read"),
  route("GET", "/api/v1/orders/secret", "secret:read"),
  route("GET", "/api/v1/orders/{id?}", "order:read", ["order.*.{id}", "order.*"]),
  route("GET", "/shops/{shop}/items/{item?}", "item:read", ["item.*.{shop}.{item}", "item.*.{shop}", "shop.>"]),
  route("POST", "/api/v1/orders/{id}", "order:write"),
  route("GET", "/{kind}/{id}", "any:read"),
]);

describe("a route for everything under a path", () => {
  const under = compileRoutes([
    route("GET", "/api/health", "health:read"),
    route("GET", "/api/{rest*}", "api:read", ["api.*"]),
    route("GET", "/api/late", "late:read"),
    route("GET", "/files/{owner}/{path*?}", "file:read", ["file.*.{owner}", "file.>"]),
    route("POST", "/{all*}", "any:write"),
  ]);

  test.each([
    ["GET", "/api/a", "api:read"],
    ["GET", "/api/a/b/c?d=/e", "api:read"],
    ["GET", `/api${"/a".repeat(100)}`, "api:read"],
    ["GET", "/api/health", "health:read"],
    ["GET", "/api/health/deep", "api:read"],
    ["GET", "/api/late", "api:read"],
    ["GET", "/files/ann", "file:read"],
    ["GET", "/files/ann/a/b", "file:read"],
    ["POST", "/a", "any:write"],
  ])(
    "takes one or more segments, with ? also none, and gives way to earlier ones: %s %s",
    (method, path, permission) => {
      expect(under(method, path)?.permission).toBe(permission);
    },
  );

  test.each([
    ["GET", "/api"],
    ["GET", "/files"],
    ["GET", "/apis/a"],
    ["GET", "/api/a/../b"],
    ["GET", "/api//a"],
    ["POST", "/"],
    ["PUT", "/api/a"],
  ])("takes nothing else: %s %s", (method, path) => {
    expect(under(method, path)).toBeUndefined();
  });

  test("is about the topics that its other placeholders fill", () => {
    expect(under("GET", "/files/ann/a/b")?.about).toEqual(["file.*.ann"]);
    expect(under("GET", "/api/a/b")?.topics).toEqual(["api.*"]);
  });
});

describe("a request", () => {
  test("takes the first route of its method that has its path", () => {
    expect(match("GET", "/")?.permission).toBe("home:read");
    expect(match("GET", "/api/v1/orders/secret")?.permission).toBe("secret:read");
    expect(match("GET", "/api/v1/orders/42")?.permission).toBe("order:read");
    expect(match("POST", "/api/v1/orders/42")?.permission).toBe("order:write");
    expect(match("GET", "/a/b")?.permission).toBe("any:read");
  });

  test.each([
    ["POST", "/api/v1/orders"],
    ["DELETE", "/api/v1/orders/42"],
    ["get", "/api/v1/orders/42"],
    ["GET", "/API/v1/orders/42"],
    ["GET", "/api/v1/orders/42/more"],
    ["GET", ""],
  ])("takes none that differs in a letter: %s %s", (method, path) => {
    expect(match(method, path)).toBeUndefined();
  });

  test("is about the topics that carry most of its parameters, and leaves out those it cannot fill", () => {
    expect(match("GET", "/api/v1/orders/42")).toEqual({
      permission: "order:read",
      topics: ["order.*.42", "order.*"],
      about: ["order.*.42"],
    });
    expect(match("GET", "/api/v1/orders")).toMatchObject({ topics: ["order.*"], about: ["order.*"] });
    expect(match("GET", "/shops/a/items/b")).toMatchObject({
      topics: ["item.*.a.b", "item.*.a", "shop.>"],
      about: ["item.*.a.b"],
    });
    expect(match("GET", "/shops/a/items")).toMatchObject({ topics: ["item.*.a", "shop.>"], about: ["item.*.a"] });
    expect(match("POST", "/api/v1/orders/42")).toMatchObject({ topics: [], about: [] });
  });

  test("has its query left out and its percent-encoding undone before routes are compared", () => {
    expect(match("GET", "/api/v1/orders/42?id=43&next=/a/../b")?.topics).toContain("order.*.42");
    expect(match("GET", "/api/v1/%6frders/%73ecret")?.permission).toBe("secret:read");
    expect(match("GET", "/a/alice@example.org")?.permission).toBe("any:read");
  });

  test.each([
    ["a.b", "a%2Eb"],
    ["a@b", "a%40b"],
    ["*", "%2A"],
    ["jane%20doe", "jane%20doe"],
    ["auth0%7C64a", "auth0%7C64a"],
    ["Zo%C3%AB", "Zo%C3%AB"],
    ["%5a", "Z"],
    ["x".repeat(256), "x".repeat(256)],
  ])("with the parameter %s is about the topic with its token: %s", (id, token) => {
    expect(match("GET", `/api/v1/orders/${id}`)).toMatchObject({
      topics: [`order.*.${token}`, "order.*"],
      about: [`order.*.${token}`],
    });
  });

  test.each(["é".repeat(129), "%C3%A9".repeat(129)])("with a parameter that is no free name is about none", (id) => {
    expect(match("GET", `/api/v1/orders/${id}`)).toMatchObject({ topics: ["order.*"], about: [] });
  });

  test.each([
    "/a/..",
    "/a/.",
    "/a/%2e%2e",
    "/a/.%2E",
    "/a//b",
    "//a/b",
    "/a/",
    "/a/b/",
    "/a/b%2fc",
    "/a/b%5cc",
    "/a/b\\c",
    "/a/b%252e",
    "/a/b%",
    "/a/b%c3%28",
    "/a/b;c=d",
    "/a/b%3bc",
    "/a/b%00",
    "/a/b%0d%0a",
    "/a/b#c",
    "/a/%EF%BD%81",
    "/a/%EF%BC%8F",
    "/a/%E2%88%95",
    "/a/Zoe%CC%88",
    "/a/%E2%80%AE",
    "/a/\u200B",
    "/a/{id}",
    "a/b",
    "http://host/a",
    "*",
    `/a/${"b".repeat(257)}`,
    `/a/b?${"c".repeat(8_192)}`,
  ])("that another server could read in another way takes no route: %j", (path) => {
    expect(match("GET", path)).toBeUndefined();
  });
});
