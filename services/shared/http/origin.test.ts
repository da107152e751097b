import { describe, expect, test } from "vitest";
import { isListedOrigin, isTrustedPage, originsSchema } from "./origin.ts";

const ALLOWED = ["https://app.example.com", "capacitor://localhost"];

describe("a request with a cookie", () => {
  test.each([
    ["an origin on the list", { origin: "https://app.example.com", secFetchSite: "cross-site", host: "edge:8080" }],
    ["the server's own origin", { origin: "http://edge:8080", secFetchSite: "same-origin", host: "edge:8080" }],
    ["no page, as of curl", { host: "edge:8080" }],
    ["a page of the same origin that sent no Origin", { secFetchSite: "same-origin", host: "edge:8080" }],
    ["a person who typed the address", { secFetchSite: "none", host: "edge:8080" }],
    [
      "its own origin where the Host names the default port",
      { origin: "https://edge.example", host: "edge.example:443" },
    ],
    [
      "its own origin where the Origin names the default port",
      { origin: "http://edge.example:80", host: "edge.example" },
    ],
    ["its own origin in upper case", { origin: "HTTPS://Edge.Example", host: "EDGE.example" }],
    ["its own origin at an IPv6 address written in two ways", { origin: "http://[::1]:8080", host: "[0:0::1]:8080" }],
    ["an origin on the list with the default port", { origin: "https://app.example.com:443", host: "edge:8080" }],
    ["an origin on the list in upper case", { origin: "https://APP.example.com", host: "edge:8080" }],
    ["an app on the list", { origin: "capacitor://localhost", secFetchSite: "cross-site", host: "edge:8080" }],
  ])("is trusted from %s", (_, headers) => expect(isTrustedPage(headers, ALLOWED)).toBe(true));

  test.each([
    ["another origin", { origin: "https://evil.example", host: "edge:8080" }],
    ["the same host on another port", { origin: "http://edge:8081", host: "edge:8080" }],
    ["the same host on the other scheme's default port", { origin: "http://edge.example", host: "edge.example:443" }],
    ["a host behind a name and an @", { origin: "https://edge.example", host: "evil@edge.example" }],
    ["a host with a path", { origin: "https://edge.example", host: "edge.example/" }],
    ["no host at all", { origin: "https://undefined" }],
    ["an extension named like the host", { origin: "chrome-extension://edge", host: "edge" }],
    ["an app that is not on the list, and calls its host as ours", { origin: "tauri://localhost", host: "localhost" }],
    ["another host of a listed scheme", { origin: "capacitor://evil", host: "edge:8080" }],
    ["an address with a path", { origin: "https://app.example.com/x", host: "edge:8080" }],
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

  test("is kept as browsers write origins: lower case, no default port, names in ASCII", () => {
    expect(originsSchema.parse("HTTPS://App.Example:443, http://a.example:80,https://bücher.example:8443")).toEqual([
      "https://app.example",
      "http://a.example",
      "https://xn--bcher-kva.example:8443",
    ]);
  });

  test("understands a slash at the end, and the schemes of apps and extensions", () => {
    const listed =
      "https://a.example/, capacitor://localhost,tauri://LocalHost/, ionic://localhost,http://tauri.localhost:80";
    expect(originsSchema.parse(`${listed},chrome-extension://Abcdefghijklmnopabcdefghijklmnop`)).toEqual([
      "https://a.example",
      "capacitor://localhost",
      "tauri://localhost",
      "ionic://localhost",
      "http://tauri.localhost",
      "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
    ]);
  });

  test.each([
    ["null", /sandboxed frame/],
    ["*", /no wildcards/],
    ["https://*.example", /no wildcards/],
    ["file://host", /scheme/],
    ["wss://a.example", /scheme/],
    ["https://a.example/path", /no origin.*without a path/],
  ])("says what is wrong with %s", (text, words) => {
    expect(() => originsSchema.parse(text)).toThrow(words);
  });

  test.each([
    "*",
    "null",
    "a.example",
    "https://a.example//",
    "https://a.example/path",
    "https://*.example",
    "https://a.example?",
    "https://user@a.example",
    "ftp:a.example",
    "capacitor://",
    "capacitor:///",
    "capacitor://local host",
    "chrome-extension://a/b",
  ])("refuses %s", (text) => expect(originsSchema.safeParse(text).success).toBe(false));
});

test("an origin is on the list in whatever way it is written, and nothing else is", () => {
  expect(isListedOrigin("https://app.example.com", ALLOWED)).toBe(true);
  expect(isListedOrigin("https://APP.example.com:443", ALLOWED)).toBe(true);
  expect(isListedOrigin("https://app.example.com:8443", ALLOWED)).toBe(false);
  expect(isListedOrigin("https://app.example.com/", ALLOWED)).toBe(false);
  expect(isListedOrigin("null", ALLOWED)).toBe(false);
});
