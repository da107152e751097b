import { expect, test } from "vitest";
import { type HomeStream, streamSchema } from "./home-stream.ts";
import { waitUntilReached } from "./wait-until-level.ts";

function streamAt(lastSeq: number): HomeStream {
  const at = "2026-01-01T00:00:00Z";
  const state = { messages: 1, first_seq: 1, first_ts: at, last_seq: lastSeq, last_ts: at };
  return streamSchema.parse({
    config: { name: "KV_sluice_subs", subjects: ["$KV.sluice_subs.>"] },
    state,
    ts: at,
  });
}

/** A region whose mirror is at each of these sequences in turn, and stays at the last. */
function regionAt(...sequences: number[]) {
  return {
    region: "us",
    streams: async () => [streamAt((sequences.length > 1 ? sequences.shift() : sequences[0]) ?? 0)],
  };
}

test("a mirror is waited for until it has what its original had, and where it gets no further nothing is changed", async () => {
  await waitUntilReached([streamAt(118)], regionAt(100, 109, 119), { levelMs: 60_000 });
  await expect(waitUntilReached([streamAt(118)], regionAt(109), { levelMs: 150 })).rejects.toThrow(
    "KV_sluice_subs is at 109 of 118 in region us, and gets no further: see sluice region status there. Nothing was changed",
  );
});
