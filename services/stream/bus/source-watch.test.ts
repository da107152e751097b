import type { StreamInfo } from "@nats-io/jetstream";
import { expect, test } from "vitest";
import type { Bus } from "./paced-bus.ts";
import { SourceWatch } from "./source-watch.ts";

const MIRROR = {
  config: { metadata: {}, mirror: { name: "EVENTS_acme", external: { api: "$JS.eu.API" } } },
  mirror: { active: 0, lag: 0 },
  state: { last_seq: 7 },
} as unknown as StreamInfo;

function createWatch(watched: Set<string>, readSeq = () => 7) {
  const silences: number[] = [];
  const stop = new AbortController();
  const watch = new SourceWatch({
    tenant: "acme",
    bus: {} as Bus,
    mirrors: {
      watch: (tenant) => {
        watched.add(tenant);
        return { [Symbol.dispose]: () => void watched.delete(tenant) };
      },
    },
    now: () => 0,
    stop: stop.signal,
    listener: {
      onSource: () => undefined,
      onOrigin: (_, silentMs) => void silences.push(silentMs),
      onErasures: () => undefined,
    },
    epoch: () => "e",
    readSeq,
    onOtherEpoch: () => undefined,
  });
  return { watch, stop, silences };
}

test("a mirror is asked for until its feed ends, and not again by an answer that comes behind that", () => {
  const watched = new Set<string>();
  const { watch } = createWatch(watched);
  watch.take(MIRROR, 0);
  expect([...watched]).toEqual(["acme"]);
  watch[Symbol.dispose]();
  expect([...watched]).toEqual([]);
  const late = createWatch(watched);
  late.stop.abort();
  late.watch[Symbol.dispose]();
  late.watch.take(MIRROR, 0);
  expect([...watched]).toEqual([]);
});

test("a mirror is silent for as long as it has other entries than what was read, however fresh what it hears is", () => {
  let seq = 7;
  const { watch, silences } = createWatch(new Set(), () => seq);
  const has = (last_seq: number): StreamInfo => ({ ...MIRROR, state: { ...MIRROR.state, last_seq } });
  for (const [askedAt, last] of [
    [1_000, 7],
    [2_000, 9],
    [3_000, 9],
  ] as const)
    watch.take(has(last), askedAt);
  seq = 8;
  for (const [askedAt, last] of [
    [4_000, 9],
    [6_000, 9],
    [9_000, 3],
  ] as const)
    watch.take(has(last), askedAt);
  seq = 9;
  watch.take(has(9), 10_000);
  expect(silences).toEqual([0, 1_000, 2_000, 0, 2_000, 5_000, 0]);
});
