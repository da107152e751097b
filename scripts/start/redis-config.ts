import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { projectPath } from "../shared/project-folder.ts";

/** The passwords of the services' users on Redis. */
export interface RedisPasswords {
  readonly REDIS_AUTH_PASSWORD: string;
  readonly REDIS_STREAM_PASSWORD: string;
  readonly REDIS_PUBLISH_PASSWORD: string;
  readonly REDIS_BACKUP_PASSWORD: string;
}

/** Writes infra/redis/redis.conf into a folder, with the services' passwords, and answers its path there. */
export async function writeRedisConfig(
  folder: string,
  { REDIS_AUTH_PASSWORD, REDIS_STREAM_PASSWORD, REDIS_PUBLISH_PASSWORD, REDIS_BACKUP_PASSWORD }: RedisPasswords,
): Promise<string> {
  const passwords = { REDIS_AUTH_PASSWORD, REDIS_STREAM_PASSWORD, REDIS_PUBLISH_PASSWORD, REDIS_BACKUP_PASSWORD };
  let config = await readFile(projectPath("infra/redis/redis.conf"), "utf8");
  for (const [variable, password] of Object.entries(passwords)) {
    const hash = createHash("sha256").update(password).digest("hex");
    config = config.replaceAll(`${variable}_SHA256`, hash);
  }
  const path = join(folder, "redis.conf");
  await writeFile(path, config, { mode: 0o600 });
  return path;
}
