import type { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { freePort } from "#test/support/ports.ts";
import { type RedisServer, startRedis } from "#test/support/start-redis.ts";
import { urlThrough } from "#test/support/start-stack.ts";
import { startTcpProxy } from "#test/support/tcp-proxy.ts";
import { waitFor } from "#test/support/wait.ts";
import { callRedis, connectRedis } from "./connect-redis.ts";
import { readRedisSettings } from "./redis-settings.ts";
import { watchRedis } from "./watch-redis.ts";
import { freeze } from "#test/support/freeze.ts";

const connect = (url: string, env: NodeJS.ProcessEnv = {}): Promise<Redis> =>
  connectRedis(readRedisSettings({ REDIS_URL: url, ...env }));

async function refusalOf(url: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  return connect(url, env).then(
    (redis) => (redis.disconnect(), "none"),
    ({ name, message }: Error) => `${name}: ${message}`,
  );
}

const changed = (server: RedisServer, change: (url: URL) => void): string => {
  const url = new URL(server.url);
  change(url);
  return url.href;
};

describe("a Redis is refused at the start, with words that say what to do,", () => {
  test("when it evicts or keeps no append-only file: both faults in one message", async () => {
    await using server = await startRedis({ maxmemoryPolicy: "allkeys-lru", appendonly: "no" });
    expect(await refusalOf(server.url)).toMatch(/maxmemory-policy must be noeviction, and appendonly must be yes/);
    expect(await refusalOf(server.url, { REDIS_DURABILITY: "accept-loss" })).toMatch(/noeviction; set it/);
  });

  test("when it is not there", async () => {
    expect(await refusalOf(`redis://127.0.0.1:${await freePort()}`)).toMatch(/ECONNREFUSED.*REDIS_URL/);
    expect(await refusalOf("redis://redis.invalid")).toMatch(/ENOTFOUND.*REDIS_URL/);
    expect(await refusalOf(`redis+sentinel://127.0.0.1:${await freePort()}/main`)).toMatch(/Sentinels at .* call main/);
  });

  test("when the user, the password, the database or a permission is wrong", async () => {
    await using server = await startRedis();
    expect(await refusalOf(changed(server, (url) => (url.password = "wrong")))).toMatch(
      /as auth \(WRONGPASS.*REDIS_URL/,
    );
    expect(await refusalOf(changed(server, (url) => (url.username = "")))).toMatch(/WRONGPASS.*REDIS_URL/);
    expect(await refusalOf(`redis://127.0.0.1:${server.port}`)).toMatch(/as nobody \(NOAUTH/);
    expect(await refusalOf(`${server.url}/16`)).toMatch(/DB index is out of range.*number of the database/);
    await server.admin("ACL SETUSER poor on >poor ~other +info +set +ping +hello");
    expect(await refusalOf(`redis://poor:poor@127.0.0.1:${server.port}`)).toMatch(/NOPERM.*infra\/redis\/redis.conf/);
    await server.admin("ACL SETUSER blind on >blind ~* +@all -info");
    expect(await refusalOf(`redis://blind:blind@127.0.0.1:${server.port}`)).toMatch(/NOPERM.*INFO/);
  });

  test("when it is a replica, or a node of a cluster", async () => {
    await using primary = await startRedis();
    await using replica = await startRedis({ more: ["--replicaof", `127.0.0.1 ${primary.port}`] });
    expect(await refusalOf(replica.url)).toMatch(/names a replica/);
    await using node = await startRedis({ more: ["--cluster-enabled", "yes"] });
    await node.admin("CLUSTER ADDSLOTSRANGE 0 16383");
    expect(await refusalOf(node.url)).toMatch(/node of a Redis Cluster, which is not supported/);
  });
});

describe("a Redis is used", () => {
  test("in the database of its URL, with any password, and without an append-only file where that is accepted", async () => {
    await using server = await startRedis({ appendonly: "no" });
    const password = "p@ss/w:o#rd%,?é";
    await server.admin(`ACL SETUSER any on >${password} ~* +@all`);
    const url = `redis://any:${encodeURIComponent(password)}@127.0.0.1:${server.port}/3`;
    const redis = await connect(url, { REDIS_DURABILITY: "accept-loss" });
    expect(await redis.client("INFO")).toContain("db=3");
    redis.disconnect();
  });
});

/** What the watch logged. */
interface Line {
  readonly level: "warn" | "info" | "error";
  readonly message: string;
}

/** A connection that is followed; it tells what is logged. */
async function follow(url: string) {
  const lines: Line[] = [];
  const logAs = (level: Line["level"]) => (_facts: unknown, message: string) => void lines.push({ level, message });
  const settings = readRedisSettings({ REDIS_URL: url });
  const redis = await connectRedis(settings);
  const log = { warn: logAs("warn"), info: logAs("info"), error: logAs("error") } as unknown as Parameters<
    typeof watchRedis
  >[2];
  const watch = watchRedis(redis, settings, log);
  return {
    redis,
    watch,
    lines,
    /** Waits until a key is written, and answers once the log says so. */
    async heals(): Promise<string[]> {
      const write = () => redis.set("sluice:auth:test", "1").then(Boolean, () => false);
      await waitFor("Redis takes writes again", write);
      await waitFor("the log says that it is back", () => watch.fault === undefined && lines.length >= 2);
      return lines.map(({ message }) => message.replace(/:.*/, ""));
    },
    [Symbol.dispose]() {
      watch[Symbol.dispose]();
      redis.disconnect();
    },
  };
}

describe("a Redis that is followed is used again within 10 s, and the log says once that it was lost and is back,", () => {
  test("when it was killed and came back", async () => {
    await using server = await startRedis();
    using followed = await follow(server.url);
    await server.stop("SIGKILL");
    await expect(callRedis(() => followed.redis.get("sluice:auth:x"))).rejects.toMatchObject({ code: "unavailable" });
    await waitFor("it is noticed", () => followed.watch.fault !== undefined);
    await server.start();
    expect(await followed.heals()).toEqual(["Redis is lost", "Redis is back"]);
  });

  test.each<[string, (old: RedisServer) => unknown]>([
    ["became a replica", (old) => old.admin("REPLICAOF 127.0.0.1 1")],
    ["was frozen", freeze],
  ])("when the server %s and another took its place", async (_, fail) => {
    await using one = await startRedis();
    await using other = await startRedis();
    await using place = await startTcpProxy(one.port);
    using followed = await follow(urlThrough(place.port, one.url));
    await fail(one);
    place.lead(other.port);
    expect(await followed.heals()).toEqual(["Redis is lost", "Redis is back"]);
    expect(await other.admin("EXISTS sluice:auth:test")).toBe("1");
  });

  test("and that the server which took over evicts", async () => {
    await using one = await startRedis();
    await using other = await startRedis({ maxmemoryPolicy: "allkeys-lru" });
    await using place = await startTcpProxy(one.port);
    using followed = await follow(urlThrough(place.port, one.url));
    place.lead(other.port);
    await one.stop("SIGKILL");
    await waitFor("it is told", () => followed.lines.some(({ level }) => level === "error"));
    expect(followed.lines.map(({ message }) => message.replace(/:.*/, ""))).toEqual([
      "Redis is lost",
      "Redis is back",
      "the Redis that took over may forget sessions",
    ]);
  });

  test("and nothing is ever written to another database than its own", async () => {
    await using one = await startRedis();
    await using small = await startRedis({ more: ["--databases", "2"] });
    await using place = await startTcpProxy(one.port);
    using followed = await follow(`${urlThrough(place.port, one.url)}/5`);
    place.lead(small.port);
    await one.stop("SIGKILL");
    await waitFor("the wrong database is noticed", () => /DB index/.test(followed.watch.fault ?? ""));
    for (let again = 0; again < 20; again++) await followed.redis.set("sluice:auth:test", "1").catch(() => undefined);
    expect(await small.admin("DBSIZE")).toBe("0");
    await one.start();
    place.lead(one.port);
    expect(await followed.heals()).toEqual(["Redis is lost", "Redis is back"]);
  });
});
