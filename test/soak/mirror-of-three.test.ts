import { StorageType } from "@nats-io/jetstream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { jetStreamOf } from "#shared/nats/home/read-holding.ts";
import { mirrorCalls } from "#shared/nats/mirrors/mirror-calls.ts";
import { type Bus, openBus } from "#test/support/start-stack.ts";
import { type RegionBrokers, startRegionBrokers } from "#test/support/start-region-servers.ts";
import { waitFor } from "#test/support/wait.ts";
import { amountOf, timeoutOf } from "./amount.ts";

/** Each makes the mirror of a bucket that is written meanwhile; none in the suite. */
const ROUNDS = amountOf("mirror-of-three", 0);

const BUCKET = "KV_sluice_policy_parts";
const KEYS = 4;
const PATIENCE_MS = 60_000;

describe.skipIf(ROUNDS === 0)("a mirror on three servers", () => {
  const opened = new AsyncDisposableStack();
  let regions: RegionBrokers;
  let origin: Bus;
  let standby: Bus;

  beforeAll(async () => {
    regions = opened.use(await startRegionBrokers({ servers: 3 }));
    [origin, standby] = [await open("eu", "policy"), await open("us", "policy-eu")];
  }, 120_000);
  afterAll(() => opened.disposeAsync());

  test(
    "has what its original has on each of them, though the first entry was overwritten after its consumer was made",
    async () => {
      const calls = mirrorCalls(standby.connection, { here: "us", origin: "eu", replicas: 3 });
      const [there, here] = [await jetStreamOf(origin.connection), await jetStreamOf(standby.connection)];
      const linked = await jetStreamOf(standby.connection, "eu");
      for (let round = 1; round <= ROUNDS; round += 1) {
        const put = (key: number) => origin.publish(`$KV.sluice_policy_parts.${key}`, "{}");
        const config = { storage: StorageType.File, num_replicas: 3, max_msgs_per_subject: 1 };
        await waitFor(
          "three servers take the bucket",
          () =>
            there.streams
              .add({ ...config, name: BUCKET, subjects: ["$KV.sluice_policy_parts.>"] })
              .catch(() => undefined),
          PATIENCE_MS,
        );
        for (let entry = 0; entry < 5 * KEYS; entry += 1) await put(entry % KEYS);
        const original = await waitFor(
          "the link is there",
          () => linked.streams.info(BUCKET).catch(() => undefined),
          PATIENCE_MS,
        );
        await calls.feed(BUCKET);
        await put(0);
        await calls.make(original);
        for (let entry = 0; entry < KEYS; entry += 1) await put(entry);
        const { last_seq: end } = (await there.streams.info(BUCKET)).state;
        await waitFor(
          "the mirror is level",
          async () => (await here.streams.info(BUCKET).catch(() => undefined))?.state.last_seq === end,
          PATIENCE_MS,
        );
        const isHealthy = () => Promise.all(regions.us.servers.map((server) => server.isHealthy()));
        await waitFor("each server has it", async () => (await isHealthy()).every(Boolean), PATIENCE_MS);
        expect((await here.streams.info(BUCKET)).state).toMatchObject({ messages: KEYS, last_seq: end });
        for (const { streams } of [there, here]) await streams.delete(BUCKET);
      }
    },
    timeoutOf(60_000),
  );

  async function open(region: "eu" | "us", user: "policy" | "policy-eu"): Promise<Bus> {
    const bus = await waitFor(
      "the servers take connections",
      () => openBus(regions[region].url(user), user).catch(() => undefined),
      PATIENCE_MS,
    );
    return opened.adopt(bus, ({ connection }) => connection.close());
  }
});
