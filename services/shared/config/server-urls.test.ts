import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatAddress, parseServerUrls } from "./server-urls.ts";

const SCHEMES = { nats: 4222, tls: 4222 };

const parse = (text: string) => parseServerUrls(text, SCHEMES);

describe("the URL of servers", () => {
  test("says who logs in where", () => {
    expect(parse("nats://auth:secret@bus.example:4333")).toEqual({
      scheme: "nats",
      user: "auth",
      password: "secret",
      servers: [{ host: "bus.example", port: 4333 }],
      path: "",
    });
  });

  test("may leave out port, user and password", () => {
    const none = { user: undefined, password: undefined };
    expect(parse("nats://bus")).toMatchObject({ ...none, servers: [{ host: "bus", port: 4222 }] });
    expect(parse("nats://token@bus")).toMatchObject({ user: "token", password: undefined });
    expect(parse("nats://:secret@bus")).toMatchObject({ user: undefined, password: "secret" });
    expect(parse("nats://a:@bus")).toMatchObject({ user: "a", password: "" });
  });

  test("keeps every character of a user and a password that is percent-encoded", () => {
    const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(text, text, (user, password) => {
        const url = `nats://${encodeURIComponent(user)}:${encodeURIComponent(password)}@bus:1`;
        expect(parse(url)).toMatchObject({ user, password, servers: [{ host: "bus", port: 1 }] });
      }),
    );
  });

  test("takes what need not be encoded as it is", () => {
    expect(parse("nats://auth:s3cr3t!$&*+=_~.-;:'()@bus")).toMatchObject({ password: "s3cr3t!$&*+=_~.-;:'()" });
  });

  test.each([
    "nats://u:p@a:1,b:2",
    "nats://u:p@a:1,nats://b:2",
    "nats://u:p@a:1,u:p@b:2",
    "nats://u:p@a:1,nats://u:p@b:2",
    "nats://a:1,u:p@b:2",
  ])("lists several servers, with the user on each or once: %s", (text) => {
    const servers = [
      { host: "a", port: 1 },
      { host: "b", port: 2 },
    ];
    expect(parse(text)).toMatchObject({ user: "u", password: "p", servers });
  });

  test("takes IPv6 in brackets", () => {
    expect(parse("nats://[::1]:4333,[fe80::1]").servers.map(formatAddress)).toEqual(["[::1]:4333", "[fe80::1]:4222"]);
  });

  test("has a path behind the servers", () => {
    expect(parse("nats://u:p@a:1,b:2/master%20one/3").path).toBe("master one/3");
  });

  test.each([
    ["http://bus", "must begin with nats:// or tls://"],
    ["bus:4222", "must begin with"],
    ["constructor://bus", "must begin with"],
    ["nats://", "behind its ://"],
    ["nats://u:p@", "behind its ://"],
    ["nats://u:pa@ss@bus", "percent-encoded"],
    ["nats://u:pa/ss@bus", "percent-encoded"],
    ["nats://u:pa#ss@bus", "percent-encoded"],
    ["nats://u:100%@bus", "write a % itself as %25"],
    ["nats://u:%E0%A4@bus", "write a % itself as %25"],
    ["nats://bus:70000", "more than 65535"],
    ["nats://bus:12x", "behind its ://"],
    ["nats://a,,b", "behind its ://"],
    ["nats://a,tls://b", "behind its ://"],
    ["nats://u:p@a,v:p@b", "the same user"],
    ["nats://a b", "behind its ://"],
  ])("is refused: %s", (text, reason) => {
    expect(() => parse(text)).toThrow(reason);
  });

  test("that is refused shows no password", () => {
    for (const text of ["nats://u:hunter2@a@b", "nats://u:hunter2%@a", "nats://u:hunter2@a,v:x@b", "x://u:hunter2@a"]) {
      expect(() => parse(text)).toThrow(expect.not.objectContaining({ message: expect.stringContaining("hunter2") }));
    }
  });
});
