import { z } from "zod";
import { readConfig } from "#shared/config/read-config.ts";
import { redisSettings } from "#shared/redis/redis-settings.ts";

/** What auth has to know about Redis. */
export const sessionRedisSettings = {
  ...redisSettings,
  REDIS_DURABILITY: z.enum(["append-only-file", "accept-loss"]).default("append-only-file").meta({
    description: "`accept-loss` takes a Redis without an append-only file, which may forget sessions",
    see: "operate/redis.md",
  }),
};

const schema = z.object(sessionRedisSettings);

/** The settings of the Redis that keeps sessions, parsed. */
export type SessionRedisSettings = Readonly<z.infer<typeof schema>>;

/** Reads the settings of Redis alone; throws a BootError that names every wrong one. */
export function readRedisSettings(env: NodeJS.ProcessEnv): SessionRedisSettings {
  return readConfig(schema, env);
}
