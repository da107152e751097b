import type { Redis } from "ioredis";
import { BootError } from "#shared/config/read-config.ts";
import type { SessionRedisSettings } from "./redis-settings.ts";

/** Written again and again, to see that Redis takes writes. It lies among the keys that auth's user may use. */
export const PROBE_KEY = "sluice:auth:alive";

/** How long the key is left after the last time. */
export const PROBE_MS = 60_000;

/**
 * Checks that a server can keep sessions: it is a primary and no part of a cluster, evicts nothing, has an append-only file,
 * and lets this user write. INFO is allowed where CONFIG is not.
 * @throws {BootError} naming every fault and its setting.
 */
export async function requireServer(redis: Redis, settings: SessionRedisSettings): Promise<void> {
  const state = await readState(redis);
  const is = (line: string): boolean => isIn(state, line);
  if (is("cluster_enabled:1")) {
    throw new BootError(
      "REDIS_URL names a node of a Redis Cluster, which is not supported; use a single primary, with Sentinel for failover",
    );
  }
  if (!is("role:master")) {
    throw new BootError("REDIS_URL names a replica, which takes no writes; name the primary, or its Sentinels");
  }
  const forgetful = faultsIn(state, settings);
  if (forgetful !== undefined) throw new BootError(`Redis would forget sessions: ${forgetful}`);
  await redis.set(PROBE_KEY, "1", "PX", PROBE_MS).catch((error: Error) => {
    throw new BootError(`Redis does not take what auth writes (${error.message}); ${adviceFor(error.message)}`);
  });
}

/**
 * Why the server would forget sessions; undefined where it would not.
 * @throws {BootError} where it does not let its state be read.
 */
export async function whyForgetful(redis: Redis, settings: SessionRedisSettings): Promise<string | undefined> {
  return faultsIn(await readState(redis), settings);
}

function faultsIn(state: string, { REDIS_DURABILITY }: SessionRedisSettings): string | undefined {
  const faults: string[] = [];
  if (!isIn(state, "maxmemory_policy:noeviction")) faults.push("maxmemory-policy must be noeviction");
  const isDurable = isIn(state, "aof_enabled:1") || REDIS_DURABILITY === "accept-loss";
  if (!isDurable)
    faults.push("appendonly must be yes (or set REDIS_DURABILITY=accept-loss, see docs/operate/redis.md)");
  return faults.length === 0 ? undefined : `${faults.join(", and ")}; set it in redis.conf`;
}

function isIn(state: string, line: string): boolean {
  return new RegExp(`^${line}\\r?$`, "m").test(state);
}

async function readState(redis: Redis): Promise<string> {
  try {
    return await redis.info();
  } catch (error) {
    throw new BootError(
      `Redis does not let its state be read (${(error as Error).message}); auth's user needs the command INFO`,
    );
  }
}

function adviceFor(reason: string): string {
  if (reason.startsWith("NOPERM")) return "infra/redis/redis.conf says which keys and commands its user needs";
  if (reason.startsWith("OOM")) return "raise maxmemory";
  if (reason.startsWith("MISCONF")) return "look into the log of Redis: it cannot write to its disk";
  return "look into the log of Redis";
}
