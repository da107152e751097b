import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { amountOf, timeoutOf } from "#test/soak/amount.ts";
import { type TcpProxy, startTcpProxy } from "#test/support/tcp-proxy.ts";
import {
  authSettings,
  createTenantLog,
  DEMO_PASSWORD,
  readAudit,
  readSessionEntries,
} from "#test/support/start-auth.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { type RedisServer, startRedis } from "#test/support/start-redis.ts";
import { type RunningService, startService } from "#test/support/start-service.ts";
import { urlThrough } from "#test/support/start-stack.ts";

const ROUNDS = amountOf("refresh-races", 30);
const AT_ONCE = 64;

let nats: NatsServer;
let redis: RedisServer;
let toRedis: TcpProxy;
let toAuth: TcpProxy;
let one: RunningService;
/** Reaches Redis through the proxy, and is reached through the other. */
let two: RunningService;

beforeAll(async () => {
  [nats, redis] = await Promise.all([startNats(), startRedis()]);
  await createTenantLog(nats, "demo");
  toRedis = await startTcpProxy(redis.port);
  const settings = authSettings(nats, redis);
  [one, two] = await Promise.all([
    startService("auth", settings),
    startService("auth", { ...settings, REDIS_URL: urlThrough(toRedis.port, redis.url) }),
  ]);
  toAuth = await startTcpProxy(two.ports.http);
});
afterAll(async () => {
  for (const each of [toAuth, one, two, toRedis, redis, nats]) await each[Symbol.asyncDispose]();
});

interface Answer {
  readonly status: number;
  readonly code?: string;
  readonly refresh_token: string;
  readonly session_id: string;
}

async function post(port: number, path: string, body: object): Promise<Answer> {
  const url = `http://127.0.0.1:${port}/v1/auth/${path}`;
  const response = await fetch(url, { method: "POST", body: JSON.stringify(body) });
  return { ...((await response.json()) as Answer), status: response.status };
}

function logIn(): Promise<Answer> {
  return post(one.ports.http, "login", { tenant: "demo", username: "alice", password: DEMO_PASSWORD });
}

function refresh(refresh_token: string, port = one.ports.http): Promise<Answer> {
  return post(port, "refresh", { refresh_token });
}

/** Refreshes as clients do, which ask again where auth is too busy to answer. */
async function refreshPatiently(refresh_token: string, port: number): Promise<Answer> {
  for (;;) {
    const answer = await refresh(refresh_token, port);
    if (answer.status !== 503) return answer;
  }
}

test(
  `64 refreshes of one token at once on two processes have one live leaf, the same for all, ${ROUNDS} times over`,
  async () => {
    let leaf = (await logIn()).refresh_token;
    for (let round = 0; round < ROUNDS; round++) {
      const spent = leaf;
      const answers = await Promise.all(
        Array.from({ length: AT_ONCE }, (_, index) =>
          refreshPatiently(spent, (index % 2 === 0 ? one : two).ports.http),
        ),
      );
      const successors = new Set(answers.map(({ status, refresh_token }) => `${status} ${refresh_token}`));
      expect([...successors]).toEqual([expect.stringMatching(new RegExp(`^200 [^.]+\\.${round + 2}\\.`))]);
      leaf = answers[0]!.refresh_token;
    }
  },
  timeoutOf(120_000),
);

describe("a reply that is lost on its way to the client", () => {
  test.concurrent.each([1_000, 6_000])("and asked for again after %i ms is the same", async (afterMs) => {
    const { refresh_token } = await logIn();
    const leaf = await loseReply(refresh_token);
    await delay(afterMs);
    expect(await refresh(refresh_token)).toMatchObject({ status: 200, refresh_token: leaf });
    expect((await refresh(leaf)).status).toBe(200);
  });

  test.concurrent("and asked for again after 11 s is taken for theft: the family is dead, by design", async () => {
    const { refresh_token, session_id } = await logIn();
    const leaf = await loseReply(refresh_token);
    await delay(11_000);
    expect(await refresh(refresh_token)).toMatchObject({ status: 401, code: "token_reused" });
    // Nobody can tell a client that slept from a thief: the family is dead including the leaf, and it is on record.
    expect(await refresh(leaf)).toMatchObject({ status: 401, code: "session_ended" });
    expect(await readSessionEntries(nats, "demo")).toContainEqual({ sid: session_id, action: "revoked" });
    const events = (await readAudit(nats, "demo")).filter(({ sid }) => sid === session_id);
    expect(events.map(({ event }) => event)).toContain("reused");
  });

  /** One at a time, so that each loses its own reply; answers the successor that nobody received. */
  let turn: Promise<unknown> = Promise.resolve();
  async function loseReply(token: string): Promise<string> {
    const before = turn;
    const lost = (async () => {
      await before;
      toAuth.loseNextReply();
      await expect(refresh(token, toAuth.port)).rejects.toThrow("fetch failed");
    })();
    turn = lost;
    await lost;
    return (await refresh(token)).refresh_token;
  }
});

test("a reply of Redis that is lost is told as temporary, and never looks like theft", async () => {
  const { refresh_token, session_id } = await logIn();
  toRedis.loseNextReply();
  expect((await refresh(refresh_token, two.ports.http)).status).toBe(503);
  await expect.poll(async () => (await refresh(refresh_token, two.ports.http)).status, { interval: 50 }).toBe(200);
  const again = await refresh(refresh_token);
  expect(again.refresh_token.startsWith(`${session_id}.2.`)).toBe(true);
  expect((await refresh(again.refresh_token)).status).toBe(200);
});
