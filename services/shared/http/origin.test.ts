import { describe, expect, test } from "vitest";
import { isTrustedPage, originsSchema } from "./origin.ts";

const ALLOWED = ["https://app.example.com"];

describe("a request with a cookie", () => {
  test.each([
    ["an origin on the list", { origin: "https://app.example.com", secFetchSite: "cross-site", host: "edge:8080" }],
    ["the server's own origin", { origin: "http://edge:8080", secFetchSite: "same-origin", host: "edge:8080" }],
    ["no page, as of curl", { host: "edge:8080" }],
    ["a page of the same origin that sent no Origin", { secFetchSite: "same-origin", host: "edge:8080" }],
    ["a person who typed the address", { secFetchSite: "none", host: "edge:8080" }],
  ])("is trusted from %s", (_, headers) => expect(isTrustedPage(headers, ALLOWED)).toBe(true));

  test.each([
    ["another origin", { origin: "https://evil.example", host: "edge:8080" }],
    ["the same host on another port", { origin: "http://edge:8081", host: "edge:8080" }],
    ["a subdomain of one on the list", { origin: "https://x.app.example.com", host: "edge:8080" }],
    ["one that begins like one on the list", { origin: "https://app.example.com.evil.example", host: "edge:8080" }],
    ["the listed host without TLS", { origin: "http://app.example.com", host: "edge:8080" }],
    ["a sandboxed frame", { origin: "null", host: "edge:8080" }],
    ["an origin that is no URL", { origin: "edge:8080", host: "edge:8080" }],
    ["an empty origin", { origin: "", host: "edge:8080" }],
    ["a foreign origin that claims to be none", { origin: "https://evil.example", secFetchSite: "none", host: "edge" }],
    ["a page of another site", { secFetchSite: "cross-site", host: "edge:8080" }],
    ["a page of the same site that is not on the list", { secFetchSite: "same-site", host: "edge:8080" }],
  ])("is not trusted from %s", (_, headers) => expect(isTrustedPage(headers, ALLOWED)).toBe(false));
});

describe("the setting of allowed origins", () => {
  test("is a list with commas, and empty where nothing is set", () => {
    expect(originsSchema.parse(undefined)).toEqual([]);
    expect(originsSchema.parse(" https://a.example , http://localhost:3000,")).toEqual([
      "https://a.example",
      "http://localhost:3000",
    ]);
  });

  test.each([
    "*",
    "null",
    "a.example",
    "https://a.example/",
    "https://a.example/path",
    "https://*.example",
    "HTTPS://A.example",
  ])("refuses %s", (text) => expect(originsSchema.safeParse(text).success).toBe(false));
});
