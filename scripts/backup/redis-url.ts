import { readPasswords } from "../demo-settings.ts";
import { readPort } from "../shared/read-ports.ts";
import { ScriptError } from "../shared/run-script.ts";

/**
 * Where Redis is: `REDIS_URL`, else the demo that `npm start` runs. A URL without a user means the demo's user backup.
 * @throws {ScriptError} when the variable is no such URL.
 */
export function redisUrlOfBackup(env: NodeJS.ProcessEnv): string {
  const text = env["REDIS_URL"] || `redis://127.0.0.1:${readPort("REDIS_PORT", env)}`;
  const url = URL.parse(text);
  if (url === null || !/^rediss?:$/.test(url.protocol)) {
    throw new ScriptError("REDIS_URL must be a URL such as redis://backup:password@127.0.0.1:6379");
  }
  if (url.username !== "") return text;
  url.username = "backup";
  url.password = readPasswords(env).REDIS_BACKUP_PASSWORD;
  return url.href;
}
