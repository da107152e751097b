import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Child, startChild } from "./child.ts";
import { freePort } from "./ports.ts";
import { type RedisServer, startRedis } from "./start-redis.ts";
import { untilListens } from "./until-listens.ts";
import { waitFor } from "./wait.ts";

/** The name that the Sentinel knows the primary by. */
const MASTER = "sluice-test";

/** A primary, its replica, and a Sentinel that takes a primary for dead after 500 ms. */
export interface RedisPair extends AsyncDisposable {
  readonly servers: readonly [RedisServer, RedisServer];
  readonly sentinel: Sentinel;
  /** What auth is told. */
  readonly url: string;
  /** What edges are told, and publishers. */
  readonly streamUrl: string;
  readonly publishUrl: string;
}

/** A Sentinel; it remembers where the primary is over its own restarts. */
export interface Sentinel {
  readonly pid: number;
  start(): Promise<void>;
  stop(signal: NodeJS.Signals): Promise<void>;
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
  let child: Child;
  const start = async (): Promise<void> => {
    child = startChild("redis-server", [config, "--sentinel"], {});
    await untilListens("the Sentinel", child, port);
  };
  starting.defer(async () => void (await child.end("SIGKILL")));
  await start();
  await waitFor("the replica has caught up", async () =>
    (await replica.admin("INFO replication")).includes("master_link_status:up"),
  );
  const stack = starting.move();
  const behindSentinel = (url: string): string => {
    const { username: user, password: secret } = new URL(url);
    return `redis+sentinel://${user}:${secret}@127.0.0.1:${port}/${MASTER}`;
  };
  return {
    servers: [primary, replica],
    sentinel: {
      get pid() {
        return child.process.pid ?? 0;
      },
      start,
      stop: async (signal) => void (await child.end(signal)),
    },
    url: behindSentinel(primary.url),
    streamUrl: behindSentinel(primary.streamUrl),
    publishUrl: behindSentinel(primary.publishUrl),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
