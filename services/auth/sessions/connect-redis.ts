import { type Redis, ReplyError } from "ioredis";
import { orUnavailable } from "#shared/async/or-unavailable.ts";
import { within } from "#shared/async/within.ts";
import { BootError } from "#shared/config/read-config.ts";
import { formatAddress } from "#shared/config/server-urls.ts";
import { createRedis, onReason } from "#shared/redis/create-redis.ts";
import type { SessionRedisSettings } from "./redis-settings.ts";
import { requireServer } from "./require-server-redis.ts";

/** How long the start waits for a server: Sentinels that do not answer are asked one after the other. */
const START_MS = 10_000;

/**
 * Connects to Redis so that a command fails at once when Redis is out of reach, and is never sent twice: a rotation that
 * ran again behind our back would look like a stolen token.
 * @throws {BootError} when Redis is out of reach, or would forget sessions.
 */
export async function connectRedis(settings: SessionRedisSettings): Promise<Redis> {
  let isStarting = true;
  const redis = await createRedis(settings, () => isStarting);
  let reason = "no answer";
  onReason(redis, (why) => (reason = why));
  redis.on("error", (error: Error) => {
    if (isWrongDatabase(error)) redis.disconnect(!isStarting);
  });
  try {
    const connected = redis.connect();
    if (!(await within(START_MS, connected))) throw new Error(`${reason} within ${START_MS / 1000} s`);
    await connected.catch(() => Promise.reject(new Error(reason)));
    await requireServer(redis, settings);
  } catch (error) {
    redis.disconnect();
    if (error instanceof BootError) throw error;
    throw new BootError(explain(settings, (error as Error).message));
  }
  isStarting = false;
  return redis;
}

/**
 * Runs Redis commands.
 * @throws {AppError} `unavailable` when one fails; it may have run all the same.
 */
export function callRedis<Reply>(command: () => Promise<Reply>): Promise<Reply> {
  return orUnavailable("sessions cannot be read or written right now; try again", command);
}

function explain({ REDIS_URL: { servers, master, user } }: SessionRedisSettings, reason: string): string {
  const at = servers.map(formatAddress).join(", ");
  const where = master === undefined ? `Redis at ${at}` : `the Redis that the Sentinels at ${at} call ${master}`;
  return `cannot use ${where} as ${user ?? "nobody"} (${reason.trim()}); ${adviceFor(reason)}`;
}

/** What to do about each failure; the first that fits. */
const ADVICE: readonly { readonly when: RegExp; readonly advice: string }[] = [
  { when: /WRONGPASS|NOAUTH|invalid password/, advice: "check the user and the password in REDIS_URL" },
  {
    when: /ERR DB index|NOPERM.*select/i,
    advice: "check the number of the database at the end of REDIS_URL",
  },
  {
    when: /certificate required|bad certificate|handshake failure/i,
    advice: "the server asks for a client's certificate: set REDIS_TLS_CERT_FILE and REDIS_TLS_KEY_FILE",
  },
  {
    when: /ETIMEDOUT/,
    advice: "check the host and port in REDIS_URL, and that it begins with rediss:// only where the server speaks TLS",
  },
  { when: /certificate|self-signed|altname/i, advice: "check REDIS_TLS_CA_FILE and the host in REDIS_URL" },
  {
    when: /wrong version number|packet length|EPROTO/i,
    advice: "the server does not speak TLS there: check REDIS_URL",
  },
  {
    when: /ECONNRESET|socket (hang up|disconnected)/i,
    advice:
      "the server closes the connection: see that REDIS_URL begins with rediss:// where it speaks TLS, and set REDIS_TLS_CERT_FILE where it asks for a client's certificate",
  },
];

function adviceFor(reason: string): string {
  return ADVICE.find(({ when }) => when.test(reason))?.advice ?? "check REDIS_URL and that the server runs";
}

/** Whether Redis refused the database that the connection is to use: what is written then goes to another one. */
function isWrongDatabase(error: Error & { readonly command?: { readonly name: string } }): boolean {
  return error instanceof ReplyError && error.command?.name === "select";
}
