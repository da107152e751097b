import { expect, test } from "vitest";
import { parseRedisUrl } from "#shared/redis/redis-settings.ts";
import { startRedis } from "#test/support/start-redis.ts";
import { waitFor } from "#test/support/wait.ts";
import { openRedis } from "./redis-dump.ts";

test("a backup that comes to a replica is of its primary, which may be another than that of the first start", async () => {
  await using primary = await startRedis({ more: ["--repl-diskless-sync-delay", "0"] });
  await using replica = await startRedis({ more: ["--replicaof", `127.0.0.1 ${primary.port}`] });
  const isReplica = async (): Promise<boolean> => (await replica.admin("INFO replication")).includes("role:slave");
  await waitFor("it is a replica", isReplica);
  for (const { url } of [replica, primary]) {
    await using redis = await openRedis({ REDIS_URL: parseRedisUrl(url.replace("auth:", "backup:")) });
    expect(redis.options.port).toBe(primary.port);
    expect(await redis.info("replication")).toContain("role:master");
  }
});
