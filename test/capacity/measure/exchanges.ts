import { Redis } from "ioredis";
import { RedisCounts } from "#shared/redis/count-store-redis.ts";
import type { RedisServer } from "#test/support/start-redis.ts";
import type { Slopes } from "../slopes.ts";
import { redisDuring } from "./redis-load.ts";

type ExchangeSlopes = Pick<Slopes["redis"], "exchangeMicros" | "otherWorkerMicros">;

/** Two sizes of a fleet: what differs between them is each other worker's. */
const FLEETS = [20, 220] as const;

const EXCHANGES = 300;

/** What a worker tells in an exchange: as many counts as ten handshakes of ten people change. */
const CHANGED = 20;

/** Measures what an exchange of counts takes of Redis, which every worker makes twice a second while streams come and go. */
export async function measureExchanges(server: RedisServer): Promise<ExchangeSlopes> {
  const redis = new Redis(server.streamUrl).setMaxListeners(0);
  await using stores = new AsyncDisposableStack();
  stores.defer(() => redis.disconnect());
  const counts = Array.from({ length: CHANGED }, (_, index) => ({ key: `person-${index}`, count: 1 }));
  const costs: number[] = [];
  let workers = 0;
  for (const size of FLEETS) {
    let last: RedisCounts | undefined;
    for (; workers < size; workers += 1) {
      last = new RedisCounts(redis, "stream", `w${workers}`);
      await last.exchange(counts, true);
    }
    const { cpuMicros } = await redisDuring(server, EXCHANGES, async () => {
      for (let exchange = 0; exchange < EXCHANGES; exchange += 1) await last?.exchange(counts, false);
    });
    costs.push(cpuMicros);
  }
  const [few = 0, many = 0] = costs;
  const other = Math.max(0, many - few) / (FLEETS[1] - FLEETS[0]);
  return { otherWorkerMicros: other, exchangeMicros: Math.max(0, few - FLEETS[0] * other) };
}
