import { describe, expect, test } from "vitest";
import { z } from "zod";
import { cookieSettings } from "./cookie-settings.ts";
import { createTokenCookies } from "./token-cookies.ts";

const schema = z.object({ ...cookieSettings, AUTH_ISSUER: z.string().default("https://auth.shop.example") });

function cookiesBy(env: Record<string, string> = {}) {
  return createTokenCookies(schema.parse(env));
}

const PLAIN = { AUTH_ISSUER: "http://localhost:8081" };

/** Name and domain of each cookie that a browser is told of. */
function namesIn(values: readonly string[]): string[] {
  return values.map((value) => {
    const [, name = "", domain = ""] = /^([^=]+)=[^;]*;.*?(Domain=[^;]+)?;? HttpOnly/.exec(value) ?? [];
    return `${name} ${domain}`.trim();
  });
}

describe("the cookies of a session", () => {
  test("have plain names and no Secure on http, whatever host was asked", () => {
    expect(cookiesBy(PLAIN).give({ access: "a", refresh: "r" }, 60)).toEqual([
      "auth_token=a; Max-Age=60; Path=/; HttpOnly; SameSite=Lax",
      "refresh_token=r; Max-Age=60; Path=/; HttpOnly; SameSite=Lax",
    ]);
  });

  test("are this host's alone on https, or a domain's", () => {
    expect(cookiesBy().give({ access: "a" }, 60)).toEqual([
      "__Host-auth_token=a; Max-Age=60; Path=/; HttpOnly; Secure; SameSite=Lax",
    ]);
    expect(cookiesBy({ AUTH_COOKIE_DOMAIN: ".Shop.example" }).give({ refresh: "r" }, 60)).toEqual([
      "__Secure-refresh_token=r; Max-Age=60; Path=/; Domain=shop.example; HttpOnly; Secure; SameSite=Lax",
    ]);
  });

  test("go to other sites and into partitions as the settings say, under a prefix", () => {
    const env = { AUTH_COOKIE_SAME_SITE: "None", AUTH_COOKIE_PARTITIONED: "1", AUTH_COOKIE_NAME_PREFIX: "shop_" };
    expect(cookiesBy(env).give({ access: "a" }, 60)).toEqual([
      "__Host-shop_auth_token=a; Max-Age=60; Path=/; HttpOnly; Secure; SameSite=None; Partitioned",
    ]);
  });
});

describe("reading", () => {
  test("finds every token of a name, without empty ones and repetitions", () => {
    const cookie = [
      "x__Host-auth_token=no; __Host-auth_token=a=b",
      "__Host-auth_token=c; __Host-auth_token=c;__Host-refresh_token=",
    ];
    expect(cookiesBy().read({ cookie })).toMatchObject({ access: ["a=b", "c"], refresh: [] });
  });

  test("takes the last eight, among which a browser puts ours", () => {
    const cookie = Array.from({ length: 9 }, (_, place) => `__Host-auth_token=t${place}`).join("; ");
    expect(cookiesBy().read({ cookie }).access).toEqual(["t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8"]);
  });

  test("takes the names of the last release only where none of today's is there", () => {
    const cookies = cookiesBy();
    const old = { access: "auth_token", refresh: "refresh_token" };
    expect(cookies.read({ cookie: "auth_token=a; refresh_token=r" })).toEqual({
      access: ["a"],
      refresh: ["r"],
      names: old,
    });
    const planted = cookies.read({ cookie: "auth_token=planted; __Host-refresh_token=r; refresh_token=planted" });
    expect(planted).toMatchObject({ access: [], refresh: ["r"] });
    expect(cookies.give({ access: "new" }, 60, old)).toEqual([
      "auth_token=new; Max-Age=60; Path=/; HttpOnly; Secure; SameSite=Lax",
    ]);
  });
});

describe("taking back", () => {
  test.each([
    [PLAIN, ["auth_token", "refresh_token"]],
    [{}, ["__Host-auth_token", "__Host-refresh_token", "auth_token", "refresh_token"]],
    [
      { AUTH_COOKIE_DOMAIN: "shop.example" },
      [
        "__Secure-auth_token Domain=shop.example",
        "__Secure-refresh_token Domain=shop.example",
        "__Secure-auth_token",
        "__Secure-refresh_token",
        "auth_token",
        "refresh_token",
        "__Host-auth_token",
        "__Host-refresh_token",
        "auth_token Domain=shop.example",
        "refresh_token Domain=shop.example",
      ],
    ],
  ])("under %j names every place", (env, names) => {
    const values = cookiesBy(env).clear();
    expect(namesIn(values)).toEqual(names);
    for (const value of values) expect(value).toContain("=; Max-Age=0; Path=/;");
  });

  test("reaches partitions and what is outside of them, where cookies go to other sites", () => {
    const values = cookiesBy({ AUTH_COOKIE_SAME_SITE: "none", AUTH_COOKIE_PARTITIONED: "1" }).clear();
    for (const name of ["__Host-auth_token", "auth_token"]) {
      const own = values.filter((value) => value.startsWith(`${name}=`));
      expect(own.filter((value) => value.endsWith("; Partitioned"))).toHaveLength(1);
      expect(own).toHaveLength(2);
    }
  });

  test("beside a login happens where the browser has more than one of each, and not otherwise", () => {
    expect(cookiesBy().tidy({ cookie: "__Host-auth_token=a; __Host-refresh_token=r" })).toEqual([]);
    expect(cookiesBy().tidy({})).toEqual([]);
    expect(namesIn(cookiesBy().tidy({ cookie: "auth_token=a" }))).toEqual(["auth_token", "refresh_token"]);
    const doubled = { cookie: "auth_token=a; auth_token=b" };
    expect(cookiesBy(PLAIN).tidy(doubled)).toEqual([]);
    const shared = cookiesBy({ ...PLAIN, AUTH_ISSUER: "http://auth.shop.example", AUTH_COOKIE_DOMAIN: "shop.example" });
    expect(namesIn(shared.tidy(doubled))).toEqual(["auth_token", "refresh_token"]);
  });
});
