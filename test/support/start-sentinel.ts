import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startChild } from "./child.ts";
import { freePort } from "./ports.ts";
import { accepts } from "./start-nats.ts";
import { type RedisServer, startRedis } from "./start-redis.ts";
import { waitFor } from "./wait.ts";

/** The name that the Sentinel knows the primary by. */
const MASTER = "sluice-test";

/** A primary, its replica, and a Sentinel that takes a primary for dead after 500 ms. */
export interface RedisPair extends AsyncDisposable {
  readonly servers: readonly [RedisServer, RedisServer];
  /** What auth is told. */
  readonly url: string;
}

/** Starts two servers and a Sentinel, and waits until the replica has caught up. */
export async function startRedisPair(): Promise<RedisPair> {
  await using starting = new AsyncDisposableStack();
  const primary = starting.use(await startRedis({ more: ["--repl-diskless-sync-delay", "0"] }));
  const replica = starting.use(await startRedis({ more: ["--replicaof", `127.0.0.1 ${primary.port}`] }));
  const port = await freePort();
  const dir = await mkdtemp(join(tmpdir(), "sluice-sentinel-"));
  starting.defer(() => rm(dir, { recursive: true, force: true }));
  const config = join(dir, "sentinel.conf");
  const { username, password } = new URL(primary.adminUrl);
  await writeFile(
    config,
    [
      `port ${port}`,
      "bind 127.0.0.1",
      `sentinel monitor ${MASTER} 127.0.0.1 ${primary.port} 1`,
      `sentinel auth-user ${MASTER} ${username}`,
      `sentinel auth-pass ${MASTER} ${password}`,
      `sentinel known-replica ${MASTER} 127.0.0.1 ${replica.port}`,
      `sentinel down-after-milliseconds ${MASTER} 500`,
      `sentinel failover-timeout ${MASTER} 2000`,
    ].join("\n"),
  );
  const child = startChild("redis-server", [config, "--sentinel"], {});
  starting.defer(async () => void (await child.end("SIGKILL")));
  await waitFor(`the Sentinel listens\n${child.output()}`, () => accepts(port));
  await waitFor("the replica has caught up", async () =>
    (await replica.admin("INFO replication")).includes("master_link_status:up"),
  );
  const stack = starting.move();
  const { username: user, password: secret } = new URL(primary.url);
  return {
    servers: [primary, replica],
    url: `redis+sentinel://${user}:${secret}@127.0.0.1:${port}/${MASTER}`,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
