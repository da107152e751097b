import type { StreamInfo } from "@nats-io/jetstream";
import { expect, test } from "vitest";
import type { Bus } from "./paced-bus.ts";
import { SourceWatch } from "./source-watch.ts";

const MIRROR = {
  config: { metadata: {}, mirror: { name: "EVENTS_acme", external: { api: "$JS.eu.API" } } },
  mirror: { active: 0, lag: 0 },
  state: { last_seq: 7 },
} as unknown as StreamInfo;

function createWatch(watched: Set<string>) {
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
    listener: { onSource: () => undefined, onOrigin: () => undefined },
    epoch: () => "e",
    onOtherEpoch: () => undefined,
  });
  return { watch, stop };
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
