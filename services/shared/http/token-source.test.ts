import { describe, expect, test } from "vitest";
import { type HeaderValues, readExplicitToken } from "./token-source.ts";

function read(headers: HeaderValues, query = "") {
  return readExplicitToken({ headers, query: new URLSearchParams(query) });
}

describe("the token of a request", () => {
  test("is the bearer token or X-Auth-Token, and never the cookie", () => {
    const cookie = "theme=dark; auth_token=from.cookie";
    expect(read({ authorization: "Bearer a.b", "x-auth-token": "a.b", cookie })).toEqual({
      token: "a.b",
      places: ["authorization", "x-auth-token"],
    });
    expect(read({ "x-auth-token": "a.b", cookie })).toEqual({ token: "a.b", places: ["x-auth-token"] });
    expect(read({ cookie })).toBeUndefined();
  });

  test("has a scheme in any case, and other schemes carry no token", () => {
    expect(read({ authorization: "bEaReR a.b" })?.token).toBe("a.b");
    expect(read({ authorization: "Basic YTpi" })).toBeUndefined();
  });

  test.each([
    ["in different headers", { authorization: "Bearer a", "x-auth-token": "b" }],
    ["in a header that came twice", { authorization: ["Bearer a", "Bearer b"] }],
    ["in a header whose values were joined", { "x-auth-token": "a, b" }],
  ])("is refused when two explicit ones differ %s", (_where, headers) => {
    expect(() => read(headers)).toThrow(expect.objectContaining({ code: "conflicting_tokens" }));
  });

  test("may stand twice when it is the same", () => {
    expect(read({ authorization: ["Bearer a", "Bearer a"], "x-auth-token": "a" })?.token).toBe("a");
  });

  test.each(["Bearer", "Bearer ", "Bearer a b", "Bearer a;b", "Bearer ü"])(
    "that is explicit and malformed (%j) is invalid, and never falls through to the cookie",
    (authorization) => {
      const call = () => read({ authorization, cookie: "auth_token=good" });
      expect(call).toThrow(expect.objectContaining({ code: "token_invalid" }));
    },
  );

  test.each(["access_token", "refresh_token", "token", "auth_token", "jwt"])("is refused in the URL as %s", (name) => {
    const call = () => read({ authorization: "Bearer a" }, `topic=x&${name}=`);
    expect(call).toThrow(expect.objectContaining({ code: "token_in_url" }));
  });
});
