import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type KeyCount, SharedCounts } from "#shared/limits/shared-counts.ts";
import { createRedis } from "#shared/redis/create-redis.ts";
import { parseRedisUrl } from "#shared/redis/redis-settings.ts";
import { createRandom } from "#test/support/random.ts";
import { type RedisServer, startRedis } from "#test/support/start-redis.ts";
import { waitFor } from "#test/support/wait.ts";
import { RedisCounts } from "./count-store-redis.ts";
import { EXCHANGE } from "./exchange-script.ts";

const SUMS = "sluice:stream:sums";
const RECORDS = "sluice:stream:counted";
const recordOf = (worker: string): string => `sluice:stream:counts:${worker}`;

let server: RedisServer;
let admin: Redis;
let redis: Redis;

beforeAll(async () => {
  server = await startRedis();
  admin = new Redis(server.adminUrl);
  redis = await connect();
});
beforeEach(() => admin.flushall());
afterAll(async () => {
  redis.disconnect();
  admin.disconnect();
  await server[Symbol.asyncDispose]();
});

async function connect(): Promise<Redis> {
  const client = await createRedis({ REDIS_URL: parseRedisUrl(server.streamUrl) });
  await client.setMaxListeners(0).connect();
  return client;
}

/** Workers on one connection: Redis tells them apart by their ids. */
function openStore(worker: string, client = redis): RedisCounts {
  return new RedisCounts(client, "stream", worker);
}

function counted(counts: Record<string, number>): KeyCount[] {
  return Object.entries(counts).map(([key, count]) => ({ key, count }));
}

function many(count: number): KeyCount[] {
  return Array.from({ length: count }, (_, index) => ({ key: `k${index}`, count: 2 }));
}

/** The worker was killed 10 s ago. */
async function endLease(worker: string): Promise<void> {
  await admin.zadd("sluice:stream:workers", "XX", 0, worker);
  await admin.zadd(RECORDS, "XX", 0, worker);
}

/** What all records that are in the sums say together, and what the sums say. */
async function readBooks(): Promise<{ records: Record<string, number>; sums: Record<string, number> }> {
  const { "": book = "", ...sums } = await admin.hgetall(SUMS);
  const records: Record<string, number> = {};
  for (const key of await admin.keys(recordOf("*"))) {
    const { "": mark = "", ...fields } = await admin.hgetall(key);
    if (!mark.startsWith(`${book} `)) continue;
    for (const [field, count] of Object.entries(fields)) records[field] = (records[field] ?? 0) + Number(count);
  }
  return { records, sums: Object.fromEntries(Object.entries(sums).map(([field, count]) => [field, Number(count)])) };
}

/** Without zeros; fields are hashes, which have another order than keys. */
function sorted(counts: Record<string, number>): number[] {
  return Object.values(counts)
    .filter(Boolean)
    .toSorted((a, b) => a - b);
}

describe("the sums of counts", () => {
  test("cost as many commands with 40 workers as with two", async () => {
    const stores = Array.from({ length: 40 }, (_, index) => openStore(String(index)));
    const costOf = async (workers: number): Promise<number> => {
      for (const store of stores.slice(0, workers)) await store.exchange(counted({ alice: 1 }), false);
      const commands = async () => Number(/total_commands_processed:(\d+)/.exec(await admin.info("stats"))?.[1]);
      const before = await commands();
      await stores[0]?.exchange(counted({ alice: 1 }), false);
      return (await commands()) - before;
    };
    const ofTwo = await costOf(2);
    expect(await costOf(40)).toBe(ofTwo);
  });

  test("are without a worker that was killed, one exchange after its lease has ended", async () => {
    const [one, two] = [openStore("1"), openStore("2")];
    await one.exchange(counted({ alice: 2, bob: 1 }), false);
    await two.exchange(counted({ alice: 1 }), false);
    await endLease("1");
    expect(await two.exchange(counted({ alice: 1, bob: 0 }), false)).toMatchObject({ workers: 1, others: [0, 0] });
    expect(await admin.exists(recordOf("1"))).toBe(0);
    expect(await one.exchange(counted({ alice: 2 }), false)).toMatchObject({ isNew: true, workers: 2, others: [1] });
  });

  test("lose a worker with more counts than one script takes back within one exchange", async () => {
    const [one, two] = [openStore("1"), openStore("2")];
    await one.exchange(many(3_999), false);
    await endLease("1");
    await two.exchange([], false);
    expect(await admin.hlen(SUMS)).toBe(1);
    expect(await admin.zcard(RECORDS)).toBe(1);
  });

  test("keep a worker that comes back while it is taken back, with what it tells anew", async () => {
    const [one, two] = [openStore("1"), openStore("2")];
    await one.exchange(many(2_500), false);
    await endLease("1");
    // A worker that dies while it takes back what another left: one script has run.
    const half = await connect();
    half.defineCommand("exchangeCounts", { numberOfKeys: 4, lua: EXCHANGE });
    const keys = ["sluice:stream:workers", RECORDS, SUMS, recordOf("3")] as const;
    const [, , hasLeftover] = await half.exchangeCounts(...keys, "3", 10_000, "", recordOf(""));
    half.disconnect();
    const left = await admin.hlen(SUMS);
    expect([hasLeftover, left > 1_000 && left < 2_000]).toEqual([1, true]);
    expect(await one.exchange(counted({ k0: 5 }), false)).toMatchObject({ isNew: true, others: [0] });
    expect(await two.exchange(counted({ k0: 0, k1: 0 }), false)).toMatchObject({ others: [5, 0] });
  });

  test.for([
    ["the sums", () => admin.del(SUMS)],
    ["a living worker's record", () => admin.del(recordOf("1"))],
    ["a killed worker's record", () => Promise.all([admin.del(recordOf("3")), endLease("3")])],
    ["the set of records", () => admin.del(RECORDS)],
    ["everything", () => admin.flushall()],
  ] as const)("are right again after two exchanges of each worker when Redis has lost %s", async ([, lose]) => {
    const workers = ["1", "2", "3"].map((id) => ({ store: openStore(id), counts: new SharedCounts(3) }));
    for (const { store, counts } of workers) {
      counts.add(counts.at("alice"), 2);
      counts.add(counts.at("bob"), 1);
      await counts.exchange(store);
    }
    await lose();
    const living = workers.slice(0, 2);
    await endLease("3");
    for (let round = 0; round < 3; round += 1) {
      for (const { store, counts } of living) await counts.exchange(store);
    }
    const { records, sums } = await readBooks();
    expect(sums).toEqual(records);
    expect(sorted(sums)).toEqual([2, 4]);
  });

  test("are the sums of the records whatever workers and Redis go through", async () => {
    const random = createRandom(7);
    const pick = (count: number): number => Math.floor(random() * count);
    let made = 0;
    const join = () => ({ id: `w${made}`, store: openStore(`w${made++}`), counts: new SharedCounts(4) });
    const living = Array.from({ length: 4 }, join);
    for (let step = 0; step < 300; step += 1) {
      const index = pick(living.length);
      let { id, store, counts } = living[index]!;
      const key = counts.at(`k${pick(5)}`);
      counts.add(key, key.own > 0 && random() < 0.5 ? -1 : 1);
      const fate = pick(40);
      if (fate === 0) await endLease(id);
      if (fate === 1) await admin.del([SUMS, RECORDS, recordOf(id)][pick(3)]!);
      if (fate === 2) counts.isolate();
      if (fate === 3) {
        await endLease(id);
        ({ id, store, counts } = living[index] = join());
      }
      await counts.exchange(store);
      const { records, sums } = await readBooks();
      expect(sums, `after step ${step}`).toEqual(records);
    }
    for (let round = 0; round < 3; round += 1) for (const { store, counts } of living) await counts.exchange(store);
    const own: Record<string, number> = {};
    for (const { counts } of living) {
      for (let key = 0; key < 5; key += 1) own[key] = (own[key] ?? 0) + counts.at(`k${key}`).own;
    }
    expect(sorted((await readBooks()).sums)).toEqual(sorted(own));
  });
});

test("a replica that lacks the last exchanges and becomes the primary counts right after two exchanges of each worker", async () => {
  await admin.config("SET", "repl-diskless-sync-delay", "0");
  await using replica = await startRedis({ more: ["--replicaof", `127.0.0.1 ${server.port}`] });
  const clients = [await connect(), await connect()];
  const workers = clients.map((client, id) => ({ store: openStore(String(id), client), counts: new SharedCounts(2) }));
  const exchangeAll = async (): Promise<void> => {
    for (const { store, counts } of workers) await counts.exchange(store);
  };
  for (const { counts } of workers) counts.add(counts.at("alice"), 3);
  await exchangeAll();
  await waitFor("the replica has it", async () => (await replica.admin(`HLEN ${SUMS}`)) === "2");
  await replica.admin("REPLICAOF NO ONE");
  for (const { counts } of workers) counts.add(counts.at("alice"), -2);
  await exchangeAll();
  for (const client of clients) {
    client.options.port = replica.port;
    client.disconnect(true);
    await waitFor("the client has moved", async () => (await client.ping().catch(() => "")) === "PONG");
  }
  for (const { counts } of workers) counts.at("bob");
  await exchangeAll();
  await exchangeAll();
  expect((await replica.admin(`HVALS ${SUMS}`)).split(",")).toContain("2");
  for (const client of clients) client.disconnect();
});
