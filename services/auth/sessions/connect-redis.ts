import { Redis, type RedisOptions, ReplyError } from "ioredis";
import { orUnavailable } from "#shared/async/or-unavailable.ts";
import { within } from "#shared/async/within.ts";
import { BootError } from "#shared/config/read-config.ts";
import { formatAddress } from "#shared/config/server-urls.ts";
import { backoffMs } from "#shared/time/backoff.ts";
import { type ClientTls, type ClientTlsFiles, readClientTls } from "#shared/tls/client-tls.ts";
import type { RedisSettings } from "./redis-settings.ts";
import { requireServer } from "./require-server-redis.ts";

type Options = Omit<RedisOptions, "replyMapping">;

/** How long one attempt to connect may take, and a command. */
const TIMEOUT_MS = 2_000;

/** How long the start waits for a server: Sentinels that do not answer are asked one after the other. */
const START_MS = 10_000;

/** A peer that does not close its side either is cut off after that long. */
const CUT_OFF_MS = 200;

/**
 * Connects to Redis so that a command fails at once when Redis is out of reach, and is never sent twice: a rotation that
 * ran again behind our back would look like a stolen token.
 * @throws {BootError} when Redis is out of reach, or would forget sessions.
 */
export async function connectRedis(settings: RedisSettings): Promise<Redis> {
  let isStarting = true;
  const redis = new Redis(optionsOf(settings, await readRedisTls(settings), () => isStarting));
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

/** Calls `listener` with each reason why a connection fails, and not with what only follows from one. */
export function onReason(redis: Redis, listener: (reason: string) => void): void {
  const listen = ({ message }: Error): void => {
    if (!/^(Stream isn't writeable|Connection is closed)/.test(message)) listener(message);
  };
  redis.on("error", listen).on("sentinelError", listen);
}

/** The files of a connection to Redis, and the settings that name them. */
export function redisTlsFiles(settings: RedisSettings): ClientTlsFiles {
  const fileOf = (setting: "REDIS_TLS_CA_FILE" | "REDIS_TLS_CERT_FILE" | "REDIS_TLS_KEY_FILE") => {
    return { setting, path: settings[setting] };
  };
  return {
    authorities: fileOf("REDIS_TLS_CA_FILE"),
    certificate: fileOf("REDIS_TLS_CERT_FILE"),
    privateKey: fileOf("REDIS_TLS_KEY_FILE"),
  };
}

/**
 * Runs Redis commands.
 * @throws {AppError} `unavailable` when one fails; it may have run all the same.
 */
export function callRedis<Reply>(command: () => Promise<Reply>): Promise<Reply> {
  return orUnavailable("sessions cannot be read or written right now; try again", command);
}

async function readRedisTls(settings: RedisSettings): Promise<ClientTls | undefined> {
  const files = redisTlsFiles(settings);
  if (settings.REDIS_URL.isTls) return readClientTls(files);
  const named = Object.values(files).filter(({ path }) => path !== undefined);
  if (named.length === 0) return undefined;
  const names = named.map(({ setting }) => setting).join(", ");
  throw new BootError(`${names}: REDIS_URL is without TLS; begin it with rediss:// or rediss+sentinel://`);
}

function optionsOf(settings: RedisSettings, tls: ClientTls | undefined, isStarting: () => boolean): Options {
  const { user, password, database: db } = settings.REDIS_URL;
  return {
    ...addressOf(settings, tls, isStarting),
    ...(user === undefined ? {} : { username: user }),
    ...(password === undefined ? {} : { password }),
    db,
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: TIMEOUT_MS,
    connectTimeout: TIMEOUT_MS,
    disconnectTimeout: CUT_OFF_MS,
    // Redis 7.0 does not know the command, and a user of ours may not use it.
    disableClientInfo: true,
    retryStrategy: (attempt) => backoffMs(attempt, { baseMs: 100, maxMs: 1_000 }),
  };
}

function addressOf(settings: RedisSettings, tls: ClientTls | undefined, isStarting: () => boolean): Options {
  const { servers, master } = settings.REDIS_URL;
  if (master === undefined) return { ...servers[0], ...(tls && { tls: { ...tls } }) };
  const { REDIS_SENTINEL_USERNAME: username, REDIS_SENTINEL_PASSWORD: password } = settings;
  return {
    sentinels: [...servers],
    name: master,
    ...(username === undefined ? {} : { sentinelUsername: username }),
    ...(password === undefined ? {} : { sentinelPassword: password }),
    sentinelCommandTimeout: TIMEOUT_MS,
    // At the start each is asked once, and the operator told.
    sentinelRetryStrategy: (attempt) => (isStarting() ? null : backoffMs(attempt, { baseMs: 100, maxMs: 1_000 })),
    ...(tls && { tls: { ...tls }, sentinelTLS: { ...tls }, enableTLSForSentinelMode: true }),
  };
}

function explain({ REDIS_URL: { servers, master, user } }: RedisSettings, reason: string): string {
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
