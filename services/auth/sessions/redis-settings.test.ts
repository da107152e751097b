import { describe, expect, test } from "vitest";
import { parseRedisUrl } from "#shared/redis/redis-settings.ts";
import { readRedisSettings } from "./redis-settings.ts";

describe("REDIS_URL", () => {
  test("names a server, who auth is there, and a database", () => {
    expect(parseRedisUrl("redis://auth:p%40ss@redis.example:6380/3")).toEqual({
      servers: [{ host: "redis.example", port: 6380 }],
      master: undefined,
      user: "auth",
      password: "p@ss",
      database: 3,
      isTls: false,
    });
  });

  test("may leave out port and database, and a slash more changes nothing", () => {
    const found = { servers: [{ host: "h", port: 6379 }], database: 0 };
    for (const url of ["redis://h", "redis://h/"]) expect(parseRedisUrl(url)).toMatchObject(found);
  });

  test("names the Sentinels of a primary", () => {
    expect(parseRedisUrl("rediss+sentinel://auth:secret@a,b:26380/main/2")).toEqual({
      servers: [
        { host: "a", port: 26_379 },
        { host: "b", port: 26_380 },
      ],
      master: "main",
      user: "auth",
      password: "secret",
      database: 2,
      isTls: true,
    });
    expect(parseRedisUrl("redis+sentinel://a/main")).toMatchObject({ database: 0, isTls: false });
  });

  test.each([
    ["http://127.0.0.1", "must begin with redis://, rediss://, redis+sentinel:// or rediss+sentinel://"],
    ["redis://auth:100%@h", "write a % itself as %25"],
    ["redis://a,b", "names several servers"],
    ["redis+sentinel://a,b", "must name the primary"],
    ["redis://h/main", "number of a database"],
    ["redis://h/-1", "number of a database"],
    ["redis://h/1/2", "number of a database"],
    ["redis+sentinel://a/main/x", "number of a database"],
    ["redis://h?db=1", "behind its ://"],
  ])("is refused: %s", (url, reason) => {
    expect(() => readRedisSettings({ REDIS_URL: url })).toThrow(reason);
  });

  test("that is refused does not show its password", () => {
    expect(() => readRedisSettings({ REDIS_URL: "redis://auth:hunter2%@h" })).toThrow(/^(?![^]*hunter2)/);
  });
});
