import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { type Redis, ReplyError } from "ioredis";
import { poll } from "#shared/async/poll.ts";
import { formatAddress } from "#shared/config/server-urls.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { onReason, watchRedisTls } from "#shared/redis/create-redis.ts";
import type { SessionRedisSettings } from "./redis-settings.ts";
import { PROBE_KEY, PROBE_MS, whyForgetful } from "./require-server-redis.ts";

/** How often Redis is tried. With a command's 2 s and the attempts to connect, another primary is used within 10 s. */
const TRY_EVERY_MS = 1_000;

/** A connection that is not ready for that long is begun anew: its server took it and says nothing. */
const MAX_OPENING_MS = 4_000;

/** How often the name of the server is looked up. */
const LOOK_UP_EVERY_MS = 5_000;

/**
 * Follows Redis to wherever its primary is, until it is disposed. Once a second it writes a key; where that fails because the
 * primary became a replica, was frozen or vanished without a word, the connection is begun anew, by the Sentinels or the name
 * of the server. So it is when the name points to another server. The log says once that Redis is lost, and once that it is back; and of each server
 * that took over why it may forget sessions.
 */
export function watchRedis(redis: Redis, settings: SessionRedisSettings, log: Logger): RedisWatch {
  return new RedisWatch(redis, settings, log);
}

/** A Redis that is followed. */
export class RedisWatch implements Disposable {
  readonly #redis: Redis;
  readonly #settings: SessionRedisSettings;
  readonly #log: Logger;
  readonly #parts = new DisposableStack();
  #fault: string | undefined;
  #closedBy = "the connection was closed";
  #openingSince: number | undefined;
  #isUnchecked = false;

  constructor(redis: Redis, settings: SessionRedisSettings, log: Logger) {
    const { master, servers, isTls } = settings.REDIS_URL;
    [this.#redis, this.#settings, this.#log] = [redis, settings, log];
    onReason(redis, (reason) => (this.#closedBy = reason));
    redis.on("close", () => this.#lose(this.#closedBy)).on("ready", () => (this.#isUnchecked = true));
    this.#parts.use(poll(TRY_EVERY_MS, () => this.#look()));
    const [{ host }] = servers;
    if (master === undefined && isIP(host) === 0) {
      this.#parts.use(poll(LOOK_UP_EVERY_MS, () => this.#lookUp(host)));
    }
    if (isTls) this.#parts.use(watchRedisTls(redis, settings, log));
  }

  /** Why sessions cannot be written, in words for the operator; undefined while they can. */
  get fault(): string | undefined {
    return this.#fault;
  }

  [Symbol.dispose](): void {
    this.#parts.dispose();
  }

  async #look(): Promise<void> {
    if (this.#redis.status === "ready") {
      this.#openingSince = undefined;
      return this.#write();
    }
    this.#openingSince ??= performance.now();
    if (performance.now() - this.#openingSince < MAX_OPENING_MS) return;
    this.#openingSince = undefined;
    this.#reconnect(this.#closedBy);
  }

  async #write(): Promise<void> {
    try {
      await this.#redis.set(PROBE_KEY, "1", "PX", PROBE_MS);
      if (this.#fault !== undefined) this.#log.info({ server: serverOf(this.#redis) }, "Redis is back");
      this.#fault = undefined;
      if (this.#isUnchecked) await this.#check();
    } catch (error) {
      const { message } = error as Error;
      // A server that answers anything else has a fault that another connection to it does not mend.
      if (error instanceof ReplyError && !message.startsWith("READONLY")) this.#lose(message);
      else this.#reconnect(message);
    }
  }

  /** The server is used all the same: without it nobody could log in. */
  async #check(): Promise<void> {
    const reason = await whyForgetful(this.#redis, this.#settings).catch((error: Error) => error.message);
    if (this.#redis.status !== "ready") return;
    this.#isUnchecked = false;
    if (reason === undefined) return;
    this.#log.error({ server: serverOf(this.#redis), reason }, "the Redis that took over may forget sessions");
  }

  async #lookUp(host: string): Promise<void> {
    const { remoteAddress } = socketOf(this.#redis);
    if (this.#redis.status !== "ready" || remoteAddress === undefined) return;
    // A name that nobody can look up right now has not moved.
    const addresses = await lookup(host, { all: true }).catch(() => []);
    const used = remoteAddress.replace(/^::ffff:/, "");
    const hasMoved = addresses.length > 0 && !addresses.some(({ address }) => address === used);
    if (hasMoved) this.#reconnect(`${host} is another server now`);
  }

  #lose(fault: string): void {
    if (this.#parts.disposed) return;
    if (this.#fault === undefined) this.#log.warn({ reason: fault }, "Redis is lost: nobody can log in or refresh");
    this.#fault = fault;
  }

  #reconnect(fault: string): void {
    this.#lose(fault);
    if (!this.#parts.disposed) this.#redis.disconnect(true);
  }
}

function serverOf(redis: Redis): string {
  const { remoteAddress: host = "", remotePort: port = 0 } = socketOf(redis);
  return formatAddress({ host, port });
}

/** The socket of the connection; ioredis has none before the first attempt. */
function socketOf({ stream }: Redis): { readonly remoteAddress?: string; readonly remotePort?: number } {
  return (stream ?? {}) as { readonly remoteAddress?: string; readonly remotePort?: number };
}
