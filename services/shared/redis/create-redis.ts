import { Redis, type RedisOptions } from "ioredis";
import { BootError } from "#shared/config/read-config.ts";
import { watchFile } from "#shared/files/watch-file.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { backoffMs } from "#shared/time/backoff.ts";
import { type ClientTls, type ClientTlsFiles, readClientTls, requirePair } from "#shared/tls/client-tls.ts";
import type { RedisSettings, RedisTarget } from "./redis-settings.ts";

type Options = Omit<RedisOptions, "replyMapping">;

/** How long one attempt to connect may take, and a command. */
const TIMEOUT_MS = 2_000;

/** A peer that does not close its side either is cut off after that long. */
const CUT_OFF_MS = 200;

/**
 * A client that is not connected yet. A command fails at once while Redis is out of reach, and is never sent twice. `isStarting`
 * says whether Sentinels are asked once only.
 * @throws {BootError} when a file of TLS cannot be used.
 */
export async function createRedis(settings: RedisSettings, isStarting: () => boolean = () => false): Promise<Redis> {
  return new Redis(optionsOf(settings, await readRedisTls(settings), isStarting));
}

/** Calls `listener` with each reason why a connection fails, and not with what only follows from one. */
export function onReason(redis: Redis, listener: (reason: string) => void): void {
  const listen = ({ message }: Error): void => {
    if (!/^(Stream isn't writeable|Connection is closed)/.test(message)) listener(message);
  };
  redis.on("error", listen).on("sentinelError", listen);
}

/** Follows the files of a connection by TLS, until disposed: new ones are used by the next connection. */
export function watchRedisTls(redis: Redis, settings: RedisSettings, log: Logger): Disposable {
  const files = redisTlsFiles(settings);
  return watchFile({
    paths: Object.values(files).flatMap(({ path }) => path ?? []),
    read: () => readClientTls(files),
    onRead(tls) {
      const isSentinel = settings.REDIS_URL.master !== undefined;
      Object.assign(redis.options, { tls: { ...tls } }, isSentinel ? { sentinelTLS: { ...tls } } : {});
    },
    onFault: (fault) => log.warn({ fault }, "the certificate for Redis cannot be replaced"),
  });
}

function redisTlsFiles(settings: Omit<RedisSettings, "REDIS_URL">): ClientTlsFiles {
  const fileOf = (setting: "REDIS_TLS_CA_FILE" | "REDIS_TLS_CERT_FILE" | "REDIS_TLS_KEY_FILE") => {
    return { setting, path: settings[setting] };
  };
  return {
    authorities: fileOf("REDIS_TLS_CA_FILE"),
    certificate: fileOf("REDIS_TLS_CERT_FILE"),
    privateKey: fileOf("REDIS_TLS_KEY_FILE"),
  };
}

async function readRedisTls(settings: RedisSettings): Promise<ClientTls | undefined> {
  requireRedisSettings(settings);
  return settings.REDIS_URL.isTls ? readClientTls(redisTlsFiles(settings)) : undefined;
}

type SomeRedisSettings = Omit<RedisSettings, "REDIS_URL"> & { readonly REDIS_URL?: RedisTarget | undefined };

/**
 * Makes sure that the settings of Redis go together; without a URL there is no Redis, and the others mean nothing.
 * @throws {BootError} where they do not.
 */
export function requireRedisSettings(settings: SomeRedisSettings): void {
  if (settings.REDIS_URL === undefined) return;
  const files = redisTlsFiles(settings);
  requirePair(files);
  const named = Object.values(files).filter(({ path }) => path !== undefined);
  if (settings.REDIS_URL.isTls || named.length === 0) return;
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

/** How Redis is reached, where there is one. */
export type OptionalRedis = Omit<RedisSettings, "REDIS_URL"> & {
  readonly REDIS_URL?: RedisSettings["REDIS_URL"] | undefined;
};

/**
 * Makes a client of Redis, whose TLS files are watched until the stack is closed; undefined where none is set. It does not connect, and
 * whoever uses it closes it.
 */
export async function openOptionalRedis(
  { REDIS_URL, ...settings }: OptionalRedis,
  stack: AsyncDisposableStack,
  log: Logger,
): Promise<Redis | undefined> {
  if (REDIS_URL === undefined) return undefined;
  const redis = await createRedis({ ...settings, REDIS_URL });
  if (REDIS_URL.isTls) stack.use(watchRedisTls(redis, { ...settings, REDIS_URL }, log));
  return redis;
}
