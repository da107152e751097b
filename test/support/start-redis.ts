import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeRedisConfig } from "../../scripts/start/redis-config.ts";
import { Redis } from "ioredis";
import { type Child, startChild } from "./child.ts";
import { freePort } from "./ports.ts";
import { untilListens } from "./until-listens.ts";

const PASSWORD = "test";

/** A real Redis or Valkey with the project's own configuration and an append-only file in a fresh folder. */
export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** As auth. */
  readonly url: string;
  /** As the edge. */
  readonly streamUrl: string;
  /** As the publisher. */
  readonly publishUrl: string;
  /** As a user who may do everything. */
  readonly adminUrl: string;
  /** Runs a command, its words separated by spaces, as that user. */
  admin(command: string): Promise<string>;
  stop(signal?: NodeJS.Signals): Promise<void>;
  start(): Promise<void>;
}

/** Starts redis-server (which Valkey's package provides too) and waits until it takes connections. */
export async function startRedis(
  options: { maxmemoryPolicy?: string; appendonly?: "yes" | "no"; more?: readonly string[] } = {},
): Promise<RedisServer> {
  const port = await freePort();
  const dir = await mkdtemp(join(tmpdir(), "sluice-redis-"));
  // A Sentinel has the server write its configuration anew, with the users below among it: each start has the first again.
  const writeConfig = (): Promise<string> =>
    writeRedisConfig(dir, {
      REDIS_AUTH_PASSWORD: PASSWORD,
      REDIS_STREAM_PASSWORD: PASSWORD,
      REDIS_PUBLISH_PASSWORD: PASSWORD,
      REDIS_BACKUP_PASSWORD: PASSWORD,
    });
  const adminUrl = `redis://admin:${PASSWORD}@127.0.0.1:${port}`;
  const args = [
    "--masteruser",
    "admin",
    "--masterauth",
    PASSWORD,
    "--port",
    String(port),
    "--bind",
    "127.0.0.1",
    "--dir",
    dir,
  ];
  args.push("--user", "admin", "on", `>${PASSWORD}`, "~*", "&*", "+@all");
  args.push("--appendonly", options.appendonly ?? "yes", "--maxmemory-policy", options.maxmemoryPolicy ?? "noeviction");
  args.push(...(options.more ?? []));
  let child: Child;
  const start = async (): Promise<void> => {
    child = startChild("redis-server", [await writeConfig(), ...args], {});
    await untilListens("redis-server", child, port);
  };
  await start();
  return {
    port,
    get pid() {
      return child.process.pid ?? 0;
    },
    url: `redis://auth:${PASSWORD}@127.0.0.1:${port}`,
    streamUrl: `redis://stream:${PASSWORD}@127.0.0.1:${port}`,
    publishUrl: `redis://publish:${PASSWORD}@127.0.0.1:${port}`,
    adminUrl,
    admin: (command) => runRedisCommand(adminUrl, command),
    stop: async (signal = "SIGTERM") => void (await child.end(signal)),
    start,
    async [Symbol.asyncDispose]() {
      await child.end("SIGKILL");
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function runRedisCommand(url: string, command: string): Promise<string> {
  const redis = new Redis(url, { retryStrategy: null });
  try {
    const [name = "", ...words] = command.split(" ");
    return String(await redis.call(name, ...words));
  } finally {
    redis.disconnect();
  }
}
