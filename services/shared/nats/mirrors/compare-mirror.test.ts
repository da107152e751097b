import type { StreamInfo } from "@nats-io/jetstream";
import { expect, test } from "vitest";
import { compareMirror } from "./compare-mirror.ts";
import { mirrorSettings, type MirrorPlace } from "./mirror-config.ts";
import { pairStreams } from "./pair-streams.ts";

const PLACE: MirrorPlace = { here: "us", origin: "eu", replicas: 1 };

test("a mirror with the settings of its original is left as it is, however far behind it is", () => {
  expect(compareMirror(stream({ last: 9 }), mirrorOf(stream({ last: 9 }), 3), PLACE)).toEqual({ do: "nothing" });
});

test("a mirror that has more than its original is made anew", () => {
  const [original, lost] = [stream({ last: 9 }), stream({ last: 8 })];
  expect(compareMirror(lost, mirrorOf(original, 9), PLACE)).toEqual({ do: "remake", reason: "lost_entries" });
});

test("a fence is not copied, and a bucket's mirror has room for what its original refuses", () => {
  const original = stream({ metadata: { sluice_epoch: "e1", sluice_term: "2", sluice_fenced: "3", "_nats.ver": "2" } });
  original.config.discard = "new" as StreamInfo["config"]["discard"];
  const { metadata, max_bytes } = mirrorSettings(original, PLACE);
  expect(metadata).toEqual({ sluice_epoch: "e1", sluice_term: "2", sluice_origin: original.created });
  expect(max_bytes).toBe(-1);
});

test("streams are paired by name, whichever list has more", async () => {
  const pairs: string[] = [];
  for await (const { name, mirror, original } of pairStreams(list("a", "c", "d"), list("b", "c", "e", "f"))) {
    pairs.push(`${name}${mirror === undefined ? "" : " here"}${original === undefined ? "" : " there"}`);
  }
  expect(pairs).toEqual(["a here", "b there", "c here there", "d here", "e there", "f there"]);
});

async function* list(...names: string[]): AsyncGenerator<StreamInfo> {
  for (const name of names) yield stream({ name });
}

function stream({
  name = "EVENTS_acme",
  last = 0,
  metadata = { sluice_epoch: "e1" },
}: { name?: string; last?: number; metadata?: Record<string, string> } = {}): StreamInfo {
  const config = { name, max_bytes: 1_000, max_age: 0, discard: "old", metadata };
  return { config, created: "2026-01-01T00:00:00Z", state: { last_seq: last } } as unknown as StreamInfo;
}

function mirrorOf(original: StreamInfo, last: number): StreamInfo {
  const config = { ...original.config, ...mirrorSettings(original, PLACE), mirror: { name: original.config.name } };
  return { ...original, config, state: { last_seq: last } } as unknown as StreamInfo;
}
