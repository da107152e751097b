import { expect, test } from "vitest";
import { holdsKeys, openRedis } from "../../scripts/backup/redis-dump.ts";
import { redisOfBackup } from "../../scripts/backup/redis-of-backup.ts";
import { authSettings, createTenantLog, DEMO_PASSWORD } from "#test/support/start-auth.ts";
import { startNats } from "#test/support/start-nats.ts";
import type { RedisServer } from "#test/support/start-redis.ts";
import { startRedisPair } from "#test/support/start-sentinel.ts";
import { startService } from "#test/support/start-service.ts";
import { waitFor } from "#test/support/wait.ts";
import { freeze } from "#test/support/freeze.ts";

/** Replication is asynchronous: a primary that dies may take with it what it answered in this time. */
const MAY_BE_LOST_MS = 1_000;

/** A login that was answered with 200. */
interface Login {
  readonly refreshToken: string;
  readonly at: number;
}

/** Logs alice in again and again until disposed; only one login is under way at a time. */
function keepLoggingIn(url: string) {
  const logins: Login[] = [];
  const state = { isOver: false, refused: 0 };
  const body = JSON.stringify({ tenant: "demo", username: "alice", password: DEMO_PASSWORD });
  const run = async (): Promise<void> => {
    while (!state.isOver) {
      const response = await fetch(`${url}/v1/auth/login`, { method: "POST", body });
      const { refresh_token: refreshToken } = (await response.json()) as { refresh_token: string };
      if (response.status === 200) logins.push({ refreshToken, at: performance.now() });
      else state.refused += 1;
    }
  };
  const running = run();
  return {
    logins,
    refused: () => state.refused,
    async [Symbol.asyncDispose]() {
      state.isOver = true;
      await running;
    },
  };
}

test.each<[string, (primary: RedisServer) => unknown]>([
  ["dies", (primary) => primary.stop("SIGKILL")],
  ["freezes", freeze],
])(
  "when the primary of Redis %s under logins, people log in again, every session of before and after lives, and a backup reads the new one",
  async (_, fail) => {
    await using stack = new AsyncDisposableStack();
    const [nats, redis] = await Promise.all([startNats(), startRedisPair()]);
    stack.use(redis);
    stack.use(nats);
    await createTenantLog(nats, "demo");
    const [primary] = redis.servers;
    const auth = stack.use(await startService("auth", { ...authSettings(nats, primary), REDIS_URL: redis.url }));
    const url = `http://127.0.0.1:${auth.ports.http}`;
    let failedAt = 0;
    let logins: readonly Login[];
    {
      await using people = keepLoggingIn(url);
      await waitFor("people log in", () => people.logins.length >= 3);
      failedAt = performance.now();
      await fail(primary);
      await waitFor("logins are refused", () => people.refused() > 0);
      const before = people.logins.length;
      await waitFor("people log in again", () => people.logins.length >= before + 3);
      logins = people.logins;
    }
    const isKnown = async ({ refreshToken }: Login): Promise<boolean> => {
      const body = JSON.stringify({ refresh_token: refreshToken });
      const status = await waitFor("auth answers", async () => {
        const answer = await fetch(`${url}/v1/auth/refresh`, { method: "POST", body });
        return answer.status !== 503 && answer.status;
      });
      return status === 200;
    };
    const known = await Promise.all(logins.map(isKnown));
    const lost = logins.filter((_login, index) => !known[index]);
    for (const { at } of lost) {
      expect(at).toBeLessThan(failedAt + 1);
      expect(at).toBeGreaterThan(failedAt - MAY_BE_LOST_MS);
    }
    const count = (said: string): number => auth.child.output().split(said).length - 1;
    await waitFor("the log says that Redis is back", () => count("Redis is back") > 0);
    expect([count("Redis is lost"), count("Redis is back")]).toEqual([1, 1]);
    await using backup = await openRedis(redisOfBackup({ REDIS_URL: redis.url.replace("auth:", "backup:") }));
    expect([await holdsKeys(backup), await backup.info("replication")]).toEqual([
      true,
      expect.stringContaining("role:master"),
    ]);
  },
);
