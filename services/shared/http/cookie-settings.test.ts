import { expect, test } from "vitest";
import { z } from "zod";
import { readConfig } from "../config/read-config.ts";
import { checkCookieSettings, cookieSettings } from "./cookie-settings.ts";

const schema = z
  .object({ ...cookieSettings, AUTH_ISSUER: z.string().default("https://auth.shop.example").describe("x") })
  .check(checkCookieSettings);

test.each([
  [{}],
  [{ AUTH_COOKIE_DOMAIN: "shop.example" }],
  [{ AUTH_COOKIE_DOMAIN: ".auth.shop.example" }],
  [{ AUTH_COOKIE_SAME_SITE: "none", AUTH_COOKIE_PARTITIONED: "1" }],
  [{ AUTH_COOKIE_SAME_SITE: "Strict", AUTH_ISSUER: "http://localhost:8081" }],
  [{ AUTH_COOKIE_NAME_PREFIX: "shop-" }],
])("%j is taken", (env) => {
  expect(() => readConfig(schema, env)).not.toThrow();
});

test.each([
  [
    { AUTH_COOKIE_SAME_SITE: "none", AUTH_ISSUER: "http://localhost:8081" },
    /AUTH_COOKIE_SAME_SITE.*Secure.*https:\/\//,
  ],
  [{ AUTH_COOKIE_SAME_SITE: "maybe" }, /AUTH_COOKIE_SAME_SITE.*lax/],
  [{ AUTH_COOKIE_PARTITIONED: "1" }, /AUTH_COOKIE_PARTITIONED.*AUTH_COOKIE_SAME_SITE=none/],
  [{ AUTH_COOKIE_DOMAIN: "other.example" }, /AUTH_COOKIE_DOMAIN.*auth\.shop\.example/],
  [{ AUTH_COOKIE_DOMAIN: "hop.example" }, /AUTH_COOKIE_DOMAIN/],
  [{ AUTH_COOKIE_DOMAIN: "a.auth.shop.example" }, /AUTH_COOKIE_DOMAIN/],
  [{ AUTH_COOKIE_DOMAIN: "example" }, /AUTH_COOKIE_DOMAIN.*with a dot/],
  [{ AUTH_COOKIE_DOMAIN: "localhost", AUTH_ISSUER: "http://localhost:8081" }, /AUTH_COOKIE_DOMAIN.*with a dot/],
  [{ AUTH_COOKIE_DOMAIN: "127.0.0.1", AUTH_ISSUER: "http://127.0.0.1:8081" }, /AUTH_COOKIE_DOMAIN.*domain/],
  [{ AUTH_COOKIE_DOMAIN: "co.uk", AUTH_ISSUER: "https://auth.shop.co.uk" }, /AUTH_COOKIE_DOMAIN.*anybody/],
  [{ AUTH_COOKIE_DOMAIN: "shop.example; Path=/x" }, /AUTH_COOKIE_DOMAIN/],
  [{ AUTH_COOKIE_NAME_PREFIX: "__Host-" }, /AUTH_COOKIE_NAME_PREFIX.*https AUTH_ISSUER/],
  [{ AUTH_COOKIE_NAME_PREFIX: "a b" }, /AUTH_COOKIE_NAME_PREFIX/],
])("%j is refused with words", (env, words) => {
  expect(() => readConfig(schema, env)).toThrow(words);
});
