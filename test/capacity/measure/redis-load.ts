import type { RedisServer } from "#test/support/start-redis.ts";

/** What Redis has done so far. */
export interface RedisLoad {
  /** Those within scripts, too. */
  readonly commands: number;
  readonly cpuMicros: number;
}

/** Reads what Redis has done so far; asking counts, too. */
async function redisLoad(redis: RedisServer): Promise<RedisLoad> {
  const facts = await redis.admin("info");
  const numberOf = (name: string): number => Number(new RegExp(`^${name}:(\\S+)`, "m").exec(facts)?.[1]);
  return {
    commands: numberOf("total_commands_processed"),
    cpuMicros: (numberOf("used_cpu_user") + numberOf("used_cpu_sys")) * 1e6,
  };
}

/** What each of so many calls took of Redis during `work`. */
export async function redisDuring(redis: RedisServer, calls: number, work: () => Promise<unknown>): Promise<RedisLoad> {
  const before = await redisLoad(redis);
  await work();
  const after = await redisLoad(redis);
  return {
    commands: (after.commands - before.commands) / calls,
    cpuMicros: (after.cpuMicros - before.cpuMicros) / calls,
  };
}
