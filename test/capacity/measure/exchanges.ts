import { Redis } from "ioredis";
import { RedisCounts } from "#shared/redis/count-store-redis.ts";
import type { RedisServer } from "#test/support/start-redis.ts";
import type { Slopes } from "../slopes.ts";
import { redisDuring } from "./redis-load.ts";

type ExchangeSlopes = Pick<Slopes["redis"], "exchangeMicros">;

/** How many there are makes no difference to one exchange. */
const WORKERS = 20;

const EXCHANGES = 600;

/** What a worker tells in an exchange: as many counts as ten handshakes of ten people change. */
const CHANGED = 20;

/** Measures what an exchange of counts takes of Redis, which every worker makes twice a second while streams come and go. */
export async function measureExchanges(server: RedisServer): Promise<ExchangeSlopes> {
  const redis = new Redis(server.streamUrl).setMaxListeners(0);
  await using stores = new AsyncDisposableStack();
  stores.defer(() => redis.disconnect());
  const counts = Array.from({ length: CHANGED }, (_, index) => ({ key: `person-${index}`, count: 1 }));
  const workers = Array.from({ length: WORKERS }, (_, index) => new RedisCounts(redis, "stream", `w${index}`));
  for (const worker of workers) await worker.exchange(counts, true);
  const { cpuMicros } = await redisDuring(server, EXCHANGES, async () => {
    for (let exchange = 0; exchange < EXCHANGES; exchange += 1) {
      await workers[exchange % WORKERS]?.exchange(counts, false);
    }
  });
  return { exchangeMicros: cpuMicros };
}
