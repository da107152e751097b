import { describe, expect, test } from "vitest";
import type { Origin } from "./has-all.ts";
import { type HomeStream, streamSchema } from "./home-stream.ts";
import type { StoredEntry } from "./region-bus.ts";
import { waitUntilLevel, waitUntilReached } from "./wait-until-level.ts";

const AT = "2026-01-01T00:00:00Z";

interface StreamState {
  readonly name?: string;
  readonly messages?: number;
  /** When the last entry was stored. */
  readonly lastAt?: string;
}

/** A mirror where it is said how many seconds ago it heard its original. */
function streamAt(
  lastSeq: number,
  heardSecondsAgo?: number,
  { name = "KV_sluice_subs", messages = 1, lastAt = AT }: StreamState = {},
): HomeStream {
  const state = { messages, first_seq: 1, first_ts: AT, last_seq: lastSeq, last_ts: lastAt };
  const mirror = { name, external: { api: "$JS.eu.API" } };
  return streamSchema.parse({
    config: { name, ...(heardSecondsAgo === undefined ? { subjects: ["$KV.sluice_subs.>"] } : { mirror }) },
    state,
    ts: AT,
    ...(heardSecondsAgo === undefined ? {} : { mirror: { lag: 0, active: heardSecondsAgo * 1e9 } }),
  });
}

/** A region whose mirror is in each of these states in turn, and stays in the last. */
function regionWith(...states: HomeStream[]) {
  return { region: "us", streams: async () => [states.length > 1 ? states.shift()! : states[0]!] };
}

/** The region of an original that has these entries, and no other stream. */
function originWith(...entries: readonly (readonly [seq: number, time: string])[]): Origin {
  return {
    stream: async () => undefined,
    async entryFrom(_, from): Promise<StoredEntry | undefined> {
      const [seq, time] = entries.find((entry) => entry[0] >= from) ?? [];
      return seq === undefined || time === undefined ? undefined : { seq, time, subject: "$KV.sluice_subs.a" };
    },
  };
}

const reaching = (origin: Origin, levelMs = 60_000) => ({ levelMs, silentMs: 5_000, origin });

test("a mirror is waited for until it has what its original had, and where it gets no further nothing is changed", async () => {
  const origin = originWith([118, AT]);
  const followed = regionWith(streamAt(100, 0.5), streamAt(109, 0.5), streamAt(119, 0.5));
  await waitUntilReached([streamAt(118)], followed, reaching(origin));
  const stuck = regionWith(streamAt(109, 0.5));
  await expect(waitUntilReached([streamAt(118)], stuck, reaching(origin, 150))).rejects.toThrow(
    "in region us, the mirror KV_sluice_subs is at 109 of 118 and gets no further: see sluice region status there. Nothing was changed",
  );
});

test("a mirror that does not hear its original is waited for, as it may begin again; where it never does nothing is changed", async () => {
  const origin = originWith([118, AT]);
  const back = regionWith(streamAt(118, 6), streamAt(118, -1), streamAt(118, 0.5));
  await waitUntilReached([streamAt(118)], back, reaching(origin));
  const deaf = regionWith(streamAt(118, 6));
  await expect(waitUntilReached([streamAt(118)], deaf, reaching(origin, 150))).rejects.toThrow(
    "in region us, the mirror KV_sluice_subs does not hear its original: see that the link is open. Nothing was changed",
  );
});

test("nothing is fenced while a mirror holds what was purged from its original, or mirrors what is deleted", async () => {
  const origin = originWith([118, AT]);
  const [before, holding] = [streamAt(118), streamAt(120, 0.5, { messages: 4 })];
  await expect(waitUntilReached([before], regionWith(holding), reaching(origin, 0))).rejects.toThrow(
    "the mirror KV_sluice_subs holds what its original has no more",
  );
  // Two of them may have come since.
  await waitUntilReached([before], regionWith(streamAt(120, 0.5, { messages: 3 })), reaching(origin));
  const left = regionWith(streamAt(9, 0.5, { name: "EVENTS_gone" }));
  await expect(waitUntilReached([], left, reaching(origin, 0))).rejects.toThrow(
    "the mirror EVENTS_gone mirrors what is deleted",
  );
  // The log of a tenant that has come since.
  await waitUntilReached([], left, reaching({ ...origin, stream: async () => streamAt(9, undefined) }));
});

describe("a mirror that stands before the end of its original", () => {
  const original = streamAt(118, undefined, { messages: 2 });
  const leveling = (origin: Origin) => ({ levelMs: 0, tell: () => {}, origin });

  test("has everything where the entries behind were deleted", async () => {
    const mirror = streamAt(116, 0.5, { messages: 2 });
    const origin = originWith([1, AT], [116, AT]);
    await waitUntilReached([original], regionWith(mirror), reaching(origin, 0));
    expect(await waitUntilLevel([original], regionWith(mirror), leveling(origin))).toEqual([mirror]);
  });

  test.each<[what: string, mirror: HomeStream, entries: (readonly [number, string])[]]>([
    [
      "lacks an entry that is there",
      streamAt(116, 0.5),
      [
        [116, AT],
        [117, AT],
      ],
    ],
    ["has another entry at its last place", streamAt(116, 0.5, { lastAt: "2026-01-02T00:00:00Z" }), [[116, AT]]],
    ["is a tenant's log, whose sequences clients have", streamAt(116, 0.5, { name: "EVENTS_acme" }), [[116, AT]]],
    ["is a stream that only auth may read", streamAt(116, 0.5, { name: "KV_sluice_keys" }), [[116, AT]]],
  ])("is not level where it %s", async (_, mirror, entries) => {
    const { name } = mirror.config;
    const its = streamAt(118, undefined, { name, messages: 2 });
    await expect(waitUntilLevel([its], regionWith(mirror), leveling(originWith(...entries)))).rejects.toThrow(
      `${name} is at 116 of 118 in region us`,
    );
  });
});

test("a fenced home is not given to mirrors with more than it has, but for the connection log, which forgets by persons", async () => {
  const leveling = { levelMs: 0, tell: () => {}, origin: originWith() };
  const pair = (name: string) => [streamAt(9, undefined, { name }), streamAt(9, 0.5, { name, messages: 2 })] as const;
  const [bucket, more] = pair("KV_sluice_subs");
  await expect(waitUntilLevel([bucket], regionWith(more), leveling)).rejects.toThrow(
    "KV_sluice_subs holds in region us what its original has no more",
  );
  const [log, thicker] = pair("CONNECTIONS");
  await waitUntilLevel([log], regionWith(thicker), leveling);
});
