import { expect, test } from "vitest";
import { type HomeStream, streamSchema } from "./home-stream.ts";
import { waitUntilReached } from "./wait-until-level.ts";

/** A mirror where it is said how many seconds ago it heard its original. */
function streamAt(lastSeq: number, heardSecondsAgo?: number): HomeStream {
  const at = "2026-01-01T00:00:00Z";
  const state = { messages: 1, first_seq: 1, first_ts: at, last_seq: lastSeq, last_ts: at };
  return streamSchema.parse({
    config: { name: "KV_sluice_subs", subjects: ["$KV.sluice_subs.>"] },
    state,
    ts: at,
    ...(heardSecondsAgo === undefined ? {} : { mirror: { lag: 0, active: heardSecondsAgo * 1e9 } }),
  });
}

/** A region whose mirror is in each of these states in turn, and stays in the last. */
function regionWith(...states: HomeStream[]) {
  return { region: "us", streams: async () => [states.length > 1 ? states.shift()! : states[0]!] };
}

test("a mirror is waited for until it has what its original had, and where it gets no further nothing is changed", async () => {
  const followed = regionWith(streamAt(100, 0.5), streamAt(109, 0.5), streamAt(119, 0.5));
  await waitUntilReached([streamAt(118)], followed, { levelMs: 60_000, silentMs: 5_000 });
  const stuck = regionWith(streamAt(109, 0.5));
  await expect(waitUntilReached([streamAt(118)], stuck, { levelMs: 150, silentMs: 5_000 })).rejects.toThrow(
    "in region us, the mirror KV_sluice_subs is at 109 of 118 and gets no further: see sluice region status there. Nothing was changed",
  );
});

test("a mirror that does not hear its original is waited for, as it may begin again; where it never does nothing is changed", async () => {
  const back = regionWith(streamAt(118, 6), streamAt(118, -1), streamAt(118, 0.5));
  await waitUntilReached([streamAt(118)], back, { levelMs: 60_000, silentMs: 5_000 });
  const deaf = regionWith(streamAt(118, 6));
  await expect(waitUntilReached([streamAt(118)], deaf, { levelMs: 150, silentMs: 5_000 })).rejects.toThrow(
    "in region us, the mirror KV_sluice_subs does not hear its original: see that the link is open. Nothing was changed",
  );
});
