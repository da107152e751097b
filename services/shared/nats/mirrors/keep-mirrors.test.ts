import type { JetStreamManager, StreamInfo } from "@nats-io/jetstream";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { SEAT_STREAM } from "#shared/contract/home.ts";
import { keepMirrors } from "./keep-mirrors.ts";
import { LackWatch } from "./lack-watch.ts";
import { mirrorSettings } from "./mirror-config.ts";
import { createMirrorMetrics } from "./mirror-metrics.ts";
import { PurgeFollower } from "./purge-follower.ts";
import { SilenceWatch } from "./silence-watch.ts";

const PLACE = { here: "us", origin: "eu", replicas: 1 };
const ORIGINAL = {
  config: { name: SEAT_STREAM, discard: "old", metadata: {} },
  created: "2026-01-01T00:00:00Z",
  state: { messages: 3, last_seq: 3 },
} as unknown as StreamInfo;

/** Keeps one mirror that heard its original so long ago, of which JetStream says -1 where it never has. */
function keepOne() {
  let nowMs = 0;
  let active = -1;
  const done: string[] = [];
  const registry = new Registry();
  const mirror = () =>
    ({
      ...ORIGINAL,
      config: { ...ORIGINAL.config, ...mirrorSettings(ORIGINAL, PLACE), mirror: { name: SEAT_STREAM } },
      mirror: { name: SEAT_STREAM, lag: 0, active },
    }) as unknown as StreamInfo;
  const managerOf = (info: () => StreamInfo) =>
    ({ streams: { info: async () => info() } }) as unknown as JetStreamManager;
  const [here, there] = [managerOf(mirror), managerOf(() => ORIGINAL)];
  const now = () => nowMs;
  const act = (what: string) => async () => void done.push(what);
  const keeping = {
    place: PLACE,
    here,
    there,
    streams: async function* (manager: JetStreamManager) {
      yield await manager.streams.info(SEAT_STREAM);
    },
    calls: {
      make: act("make"),
      feed: act("feed"),
      rewind: act("rewind"),
      update: act("update"),
      remove: act("remove"),
    },
    purges: new PurgeFollower({ here, there, now }),
    lacks: new LackWatch({ here, there, now }),
    silences: new SilenceWatch(now),
    metrics: createMirrorMetrics(registry),
    log: { write: () => {}, [Symbol.dispose]: () => {} },
  };
  return {
    done,
    async lookAt(ms: number, heardNs = -1) {
      [nowMs, active] = [ms, heardNs];
      await keepMirrors(keeping, new AbortController().signal);
      const silent = await registry.getSingleMetric("sluice_mirrors_silent_seconds")?.get();
      return silent?.values[0]?.value;
    },
  };
}

test("a mirror that has heard nothing since it was made or its server started is silent from the first look on, and is fed again", async () => {
  const kept = keepOne();
  const { done } = kept;
  expect(await kept.lookAt(1_000)).toBe(0);
  expect([await kept.lookAt(16_000), done]).toEqual([15, []]);
  expect([await kept.lookAt(17_000), done]).toEqual([16, ["feed"]]);
  expect([await kept.lookAt(18_000, 5e8), done]).toEqual([0.5, ["feed"]]);
  expect(await kept.lookAt(19_000)).toBe(0);
});
