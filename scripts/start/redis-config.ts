import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ClusterPasswords, DemoPasswords } from "../demo-settings.ts";
import { projectPath } from "../shared/project-folder.ts";

/** The passwords of the services' users on Redis. */
export type RedisPasswords = Pick<DemoPasswords, Extract<keyof DemoPasswords, `REDIS_${string}`>>;

/** The passwords that servers and Sentinels of a cluster know each other by, and services the Sentinels. */
export type RedisClusterPasswords = Pick<ClusterPasswords, Extract<keyof ClusterPasswords, `REDIS_${string}`>>;

/** Writes infra/redis/redis.conf into a folder, with the services' passwords, and answers its path there. */
export async function writeRedisConfig(folder: string, given: RedisPasswords): Promise<string> {
  return writeConfig(join(folder, "redis.conf"), await readTemplate("redis.conf"), passwordsOf(given));
}

/** The same for a server that has a replica or is one, and is watched by Sentinels. */
export async function writeReplicatedRedisConfig(
  folder: string,
  given: RedisPasswords & RedisClusterPasswords,
): Promise<string> {
  const text = (await readTemplate("redis.conf")) + (await readTemplate("cluster.conf"));
  const { REDIS_SERVERS_PASSWORD } = given;
  return writeConfig(join(folder, "redis.conf"), text, { ...passwordsOf(given), REDIS_SERVERS_PASSWORD });
}

/** Writes infra/redis/sentinel.conf into a folder, and answers its path there. The Sentinel changes the file. */
export async function writeSentinelConfig(
  folder: string,
  at: { readonly port: number; readonly primaryPort: number },
  { REDIS_SERVERS_PASSWORD, REDIS_SENTINEL_PASSWORD }: RedisClusterPasswords,
): Promise<string> {
  const places = {
    REDIS_SENTINEL_PORT: at.port,
    REDIS_SENTINEL_ADDRESS: "127.0.0.1",
    REDIS_PRIMARY_ADDRESS: "127.0.0.1",
    REDIS_PRIMARY_PORT: at.primaryPort,
  };
  let text = await readTemplate("sentinel.conf");
  for (const [place, value] of Object.entries(places)) text = text.replaceAll(place, String(value));
  return writeConfig(join(folder, "sentinel.conf"), text, { REDIS_SERVERS_PASSWORD, REDIS_SENTINEL_PASSWORD });
}

function readTemplate(name: string): Promise<string> {
  return readFile(projectPath("infra", "redis", name), "utf8");
}

/** The environment may be given whole: only these are meant. */
function passwordsOf(given: RedisPasswords): RedisPasswords {
  const { REDIS_AUTH_PASSWORD, REDIS_STREAM_PASSWORD, REDIS_PUBLISH_PASSWORD, REDIS_BACKUP_PASSWORD } = given;
  return { REDIS_AUTH_PASSWORD, REDIS_STREAM_PASSWORD, REDIS_PUBLISH_PASSWORD, REDIS_BACKUP_PASSWORD };
}

/** Users have their passwords as hashes; what a server itself logs in with stands there as it is, for the owner alone to read. */
async function writeConfig(
  path: string,
  template: string,
  passwords: Readonly<Record<string, string>>,
): Promise<string> {
  let config = template;
  for (const [variable, password] of Object.entries(passwords)) {
    const hash = createHash("sha256").update(password).digest("hex");
    config = config.replaceAll(`${variable}_SHA256`, hash);
    config = config.replaceAll(
      new RegExp(`(?<=^(?:masterauth|sentinel .*)) ${variable}$`, "gm"),
      () => ` ${JSON.stringify(password)}`,
    );
  }
  await writeFile(path, config, { mode: 0o600 });
  return path;
}
