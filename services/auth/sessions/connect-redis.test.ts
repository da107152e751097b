import { expect, test } from "vitest";
import { createLogger } from "#shared/log/create-logger.ts";
import { freePort } from "#test/support/ports.ts";
import { startRedis } from "#test/support/start-redis.ts";
import { waitFor } from "#test/support/wait.ts";
import { callRedis, connectRedis } from "./connect-redis.ts";

const log = createLogger("test", "silent");

test("a Redis that evicts or keeps no append-only file is refused, with both faults in one message", async () => {
  await using server = await startRedis({ maxmemoryPolicy: "allkeys-lru", appendonly: "no" });
  await expect(connectRedis(server.url, log)).rejects.toThrow(
    /maxmemory-policy must be noeviction, and appendonly must be yes/,
  );
});

test("a Redis that is not there is refused, naming the setting", async () => {
  const url = `redis://127.0.0.1:${await freePort()}`;
  await expect(connectRedis(url, log)).rejects.toThrow(/REDIS_URL/);
});

test("a command fails while Redis is gone, and works again when it is back", async () => {
  await using server = await startRedis();
  const redis = await connectRedis(server.url, log);
  try {
    await server.stop("SIGKILL");
    await expect(callRedis(() => redis.get("sluice:auth:x"))).rejects.toThrow(
      expect.objectContaining({ code: "unavailable" }),
    );
    await server.start();
    await waitFor("Redis answers again", () =>
      redis.get("sluice:auth:x").then(
        () => true,
        () => false,
      ),
    );
  } finally {
    redis.disconnect();
  }
});
