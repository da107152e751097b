import { parseRedisUrl, type RedisSettings, type RedisTarget } from "#shared/redis/redis-settings.ts";
import { readPasswords } from "../demo-settings.ts";
import { readPort } from "../shared/read-ports.ts";
import { ScriptError } from "../shared/run-script.ts";

/**
 * How Redis is reached: by `REDIS_URL` and the settings that services have beside it, else the demo that `npm start` runs. A URL without
 * a user means the demo's user backup.
 * @throws {ScriptError} when the variable is no such URL.
 */
export function redisOfBackup(env: NodeJS.ProcessEnv): RedisSettings {
  const target = parseUrl(env["REDIS_URL"] || `redis://127.0.0.1:${readPort("REDIS_PORT", env)}`);
  const backup = { user: "backup", password: readPasswords(env).REDIS_BACKUP_PASSWORD };
  const said = (name: string): string | undefined => env[name] || undefined;
  return {
    REDIS_URL: target.user === undefined ? { ...target, ...backup } : target,
    REDIS_SENTINEL_USERNAME: said("REDIS_SENTINEL_USERNAME"),
    REDIS_SENTINEL_PASSWORD: said("REDIS_SENTINEL_PASSWORD"),
    REDIS_TLS_CA_FILE: said("REDIS_TLS_CA_FILE"),
    REDIS_TLS_CERT_FILE: said("REDIS_TLS_CERT_FILE"),
    REDIS_TLS_KEY_FILE: said("REDIS_TLS_KEY_FILE"),
  };
}

function parseUrl(text: string): RedisTarget {
  try {
    return parseRedisUrl(text);
  } catch (error) {
    throw new ScriptError(`REDIS_URL ${(error as Error).message}`);
  }
}
