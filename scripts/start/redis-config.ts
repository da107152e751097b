import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { projectPath } from "../shared/project-folder.ts";

/** Stands in infra/redis/redis.conf for the hash of auth's password. */
const PLACE = "REDIS_AUTH_PASSWORD_SHA256";

/** Writes infra/redis/redis.conf into a folder, with auth's password, and answers its path there. */
export async function writeRedisConfig(folder: string, password: string): Promise<string> {
  const template = await readFile(projectPath("infra/redis/redis.conf"), "utf8");
  const path = join(folder, "redis.conf");
  const hash = createHash("sha256").update(password).digest("hex");
  await writeFile(path, template.replaceAll(PLACE, hash), { mode: 0o600 });
  return path;
}
