import { expect, test } from "vitest";
import { type Account, emptyAccount, formatAccount, isSound } from "./account.ts";
import { audit, conclude } from "./audit.ts";
import type { Entry } from "./ledger.ts";

const GOOD: Account = { ...emptyAccount(), published: 3, acknowledged: 3, delivered: 3 };

/** Three events at the times 10, 20 and 30, each acknowledged one later. */
const PUBLISHED = [...publish("a", 1, 10), ...publish("b", 2, 20), ...publish("c", 3, 30)];
const READY = [opened(5), received("ready", 0, "", 6)];

test("a run in which everything came once and in order is sound", () => {
  const account = audit([...PUBLISHED, ...READY, ...deliveries(1, 2, 3), complete("c")]);
  expect(account).toEqual(GOOD);
  expect(isSound(account)).toBe(true);
  expect(formatAccount(account)).toMatch(/^sound: published 3, acknowledged 3, delivered 3, lost 0, gaps 0, /);
});

test("a run without deliveries is not", () => {
  expect(isSound(audit([...PUBLISHED, ...READY]))).toBe(false);
  expect(() => conclude([...PUBLISHED, ...READY])).toThrow(/^UNSOUND: /);
});

test.each<[string, Partial<Account>, readonly Entry[]]>([
  ["an event in the middle is missing", { delivered: 2, lost: 1 }, [...READY, ...deliveries(1, 3)]],
  ["the end is missing, and was due", { delivered: 1, lost: 2 }, [...READY, ...deliveries(1), complete("c")]],
  ["nothing came, and all was due", { delivered: 0, lost: 3 }, [...READY, complete("c")]],
  ["a client was never told where it begins", { delivered: 0, lost: 1 }, [opened(5), complete("c")]],
  ["what a resume skips", { delivered: 1, lost: 1 }, [opened(5, "epoch.1.t"), received("ready", 2, "", 6), at(3)]],
  ["a cursor that passes an event", { delivered: 1, lost: 2 }, [...READY, received("cursor", 2, "", 40), at(3)]],
  ["an event comes twice", { delivered: 4, duplicates: 1 }, [...READY, ...deliveries(1, 2, 2, 3)]],
  ["a resume repeats", { delivered: 4, duplicates: 1 }, [...READY, ...deliveries(1, 2), opened(25), at(2), at(3)]],
  ["two events change places", { delivered: 3, outOfOrder: 1 }, [...READY, ...deliveries(1, 3, 2)]],
  ["a cursor goes back", { outOfOrder: 1 }, [...READY, ...deliveries(1, 2, 3), received("cursor", 2, "", 40)]],
  ["an event has no id", { outOfOrder: 1 }, [...READY, ...deliveries(1, 2), { ...at(3), id: undefined }]],
  ["nobody published it", { delivered: 4, unpublished: 1 }, [...READY, ...deliveries(1, 2, 3), at(4, "forged")]],
])("is counted: %s", (_, wrong, entries) => {
  const account = audit([...PUBLISHED, ...entries]);
  expect(account).toEqual({ ...GOOD, ...wrong });
  expect(isSound(account)).toBe(false);
});

test("an event of another tenant is counted, and so is an id of another tenant's log", () => {
  const theirs = [
    { ...opened(5), client: "you", tenant: "rival" },
    { ...received("ready", 0, "", 6), client: "you" },
  ] as const;
  const stolen = { ...at(1), client: "you", id: "other.1.t" };
  expect(audit([...PUBLISHED, ...READY, ...deliveries(1, 2, 3), ...theirs])).toEqual({ ...GOOD, crossTenant: 1 });
  const elsewhere = { ...theirs[1], id: "other.0.0" };
  const account = audit([...PUBLISHED, ...READY, ...deliveries(1, 2, 3), theirs[0], elsewhere, stolen]);
  expect(account).toEqual({ ...GOOD, delivered: 4, crossTenant: 1 });
});

test("an event that was published after the right to it was gone is counted; before that, and in between, it may come", () => {
  const start = [...PUBLISHED, ...READY, ...deliveries(1, 2, 3)];
  expect(audit([...start, rights([], 12, 19)])).toEqual({ ...GOOD, afterRevoke: 2 });
  expect(audit([...start, rights([], 12, 25)])).toEqual({ ...GOOD, afterRevoke: 1 });
  expect(audit([...start, rights([], 12, 31)])).toEqual(GOOD);
  expect(audit([...start, rights(["x.a"], 0, 0)])).toEqual({ ...GOOD, afterRevoke: 2 });
  // Given back before it was delivered, the right counts; only what was revoked may not.
  expect(audit([...start, rights([], 12, 19), rights([">"], 21.5, 21.7)])).toEqual(GOOD);
  expect(audit([...start, rights([], 12, 19), rights([">"], 23, 24)])).toEqual({ ...GOOD, afterRevoke: 1 });
  expect(audit([...start, { of: "ended", client: "me", askedAt: 12, acknowledgedAt: 19 }])).toEqual({
    ...GOOD,
    afterRevoke: 2,
  });
});

test("an event is lost only where the right to it was never in doubt on its way", () => {
  const start = [...PUBLISHED, ...READY, ...deliveries(1, 3), complete("c")];
  expect(audit([...start, rights(["x.a", "x.c"], 0, 0)])).toEqual({ ...GOOD, delivered: 2 });
  expect(audit([...start, rights([], 12, 22), rights([">"], 23, 24)])).toEqual({ ...GOOD, delivered: 2 });
  expect(audit([...start, rights([], 11, 14), rights([">"], 15, 19)])).toEqual({ ...GOOD, delivered: 2, lost: 1 });
  // The client was past it with the next event, at 32: a right that was taken later does not count, one before does.
  expect(audit([...start, rights([], 33, 34)])).toEqual({ ...GOOD, delivered: 2, lost: 1 });
  expect(audit([...start, rights(["x.c"], 31, 34)])).toEqual({ ...GOOD, delivered: 2 });
});

test("an event later than two seconds after the session's end, as it was known then, is counted", () => {
  const expires = (expiresAt: number): Entry => ({ of: "expires", client: "me", expiresAt });
  const late = { ...at(3), at: 3_000 };
  const start = [...PUBLISHED, ...READY, ...deliveries(1, 2)];
  expect(audit([...start, expires(1_000), late])).toEqual(GOOD);
  expect(audit([...start, expires(999), late])).toEqual({ ...GOOD, afterExp: 1 });
  expect(audit([...start, expires(100), expires(1_000), late])).toEqual(GOOD);
  expect(audit([...start, expires(100), late, expires(1_000)])).toEqual({ ...GOOD, afterExp: 1 });
});

test("a gap covers what it names and nothing else, and needs a cause", () => {
  const gap = (from: number, to: number): Entry =>
    received("gap", to, `{"from":"epoch.${from}.t","to":"epoch.${to}.0","reason":"retention"}`, 40);
  const cause: Entry = { of: "cause", tenant: "demo", event: "gap", reason: "retention", at: 35 };
  const start = [...PUBLISHED, ...READY];
  expect(audit([...start, gap(0, 2), at(3), cause])).toEqual({ ...GOOD, delivered: 1, gaps: 1 });
  expect(audit([...start, gap(1, 2), at(3), cause])).toEqual({ ...GOOD, delivered: 1, gaps: 1, lost: 1 });
  const others = [[], [{ ...cause, at: 41 }], [{ ...cause, tenant: "rival" }], [{ ...cause, reason: "purged" }]];
  for (const declared of others) {
    expect(audit([...start, gap(0, 2), at(3), ...declared])).toEqual({ ...GOOD, delivered: 1, gaps: 1, uncaused: 1 });
  }
});

test("an erased event may come until a moment after the acknowledgement; from then on it is counted", () => {
  const erased = (pattern: string, through: number, acknowledgedAt: number, tenant = "demo"): Entry => {
    return { of: "erased", tenant, pattern, through, askedAt: 31, acknowledgedAt };
  };
  const late = { ...at(3), at: 2_000 };
  const start = [...PUBLISHED, ...READY, ...deliveries(1, 2), late];
  expect(audit([...start, erased("x.c", 3, 999)])).toEqual({ ...GOOD, afterErased: 1 });
  expect(isSound(audit([...start, erased("x.*", 3, 999)]))).toBe(false);
  for (const harmless of [erased("x.c", 3, 1_000), erased("x.c", 2, 999), erased("x.a", 3, 999)]) {
    expect(audit([...start, harmless])).toEqual(GOOD);
  }
  expect(audit([...start, erased("x.c", 3, 999, "rival")])).toEqual(GOOD);
});

test("an erased event may come from the edge of a mirror that has read nothing behind it, for as long as such an edge may be silent", () => {
  const erased: Entry = {
    of: "erased",
    tenant: "demo",
    pattern: "x.c",
    through: 3,
    isMirrored: true,
    askedAt: 31,
    acknowledgedAt: 999,
  };
  const readyOf = (worker: string) => received("ready", 0, JSON.stringify({ connectionId: `${worker}-1` }), 6);
  const start = [...PUBLISHED, opened(5), readyOf("w1"), ...deliveries(1, 2), erased];
  const other = (worker: string): Entry[] => [
    { ...opened(5), client: "you", connection: "you/1" },
    { ...readyOf(worker), client: "you", connection: "you/1" },
    { ...received("cursor", 4, "", 1_500), client: "you", connection: "you/1" },
  ];
  expect(audit([...start, { ...at(3), at: 11_000 }])).toEqual(GOOD);
  expect(audit([...start, { ...at(3), at: 12_000 }])).toMatchObject({ afterErased: 1 });
  expect(audit([...start, ...other("w1"), { ...at(3), at: 2_000 }])).toMatchObject({ afterErased: 1 });
  expect(audit([...start, ...other("w2"), { ...at(3), at: 2_000 }])).toMatchObject({ afterErased: 0 });
});

test("an erased event is lost unless a gap covers it, and the erasure is the gap's cause", () => {
  const erased = { of: "erased", tenant: "demo", pattern: "x.b", through: 3, askedAt: 31, acknowledgedAt: 32 } as const;
  const start = [...PUBLISHED, ...READY, at(1)];
  const gap = received("gap", 2, '{"from":"epoch.1.t","to":"epoch.2.0","reason":"erased"}', 31.5);
  expect(audit([...start, at(3), erased])).toEqual({ ...GOOD, delivered: 2, lost: 1 });
  expect(audit([...start, gap, at(3), erased])).toEqual({ ...GOOD, delivered: 2, gaps: 1 });
  const early = { ...gap, at: 30.5 };
  expect(audit([...start, early, at(3), erased])).toEqual({ ...GOOD, delivered: 2, gaps: 1, uncaused: 1 });
  expect(audit([...start, gap, at(3), { ...erased, tenant: "rival" }])).toMatchObject({ uncaused: 1 });
});

test("a reset covers what the log has lost and what lies before it, not what is published later under old numbers", () => {
  const cause: Entry = { of: "cause", tenant: "demo", event: "reset", reason: "tail_lost", at: 35 };
  const reset = received("reset", 1, '{"reason":"tail_lost"}', 40);
  const anew = publish("d", 2, 50);
  const end = [...publish("e", 3, 60), at(3, "e"), complete("e")];
  const start = [...PUBLISHED, ...READY, at(1), cause, reset, ...anew];
  expect(audit([...start, at(2, "d"), ...end])).toMatchObject({ resets: 1, delivered: 3, lost: 0, outOfOrder: 0 });
  expect(audit([...start, ...end])).toMatchObject({ lost: 1 });
  expect(audit([...start, at(2, "d"), ...end].filter((entry) => entry !== cause))).toMatchObject({ uncaused: 1 });
});

test("who comes after a log has lost its end is not owed what stood there before under the same numbers", () => {
  const cause: Entry = { of: "cause", tenant: "demo", event: "reset", reason: "tail_lost", at: 35 };
  const anew = [...publish("d", 2, 50), ...publish("e", 3, 60)];
  const late = [opened(40), received("ready", 1, "", 41)];
  const start = [...PUBLISHED, cause, ...late, ...anew];
  expect(audit([...start, at(2, "d"), at(3, "e"), complete("e")])).toMatchObject({ delivered: 2, lost: 0 });
  expect(audit([...start, at(3, "e"), complete("e")])).toMatchObject({ delivered: 1, lost: 1 });
});

test("who had no right when a number was used again is not owed what it names now", () => {
  const cause: Entry = { of: "cause", tenant: "demo", event: "reset", reason: "tail_lost", at: 35 };
  const reset = received("reset", 1, '{"reason":"tail_lost"}', 40);
  const before = [rights(["x.>"], 0, 0), ...PUBLISHED, ...READY, ...deliveries(1, 2, 3), cause, reset];
  const without = [rights(["y.>"], 45, 46), ...publish("d", 2, 50), rights(["x.>"], 55, 56)];
  const after = [...publish("e", 3, 60), received("message", 3, "e", 62), complete("e")];
  expect(audit([...before, ...without, ...after])).toMatchObject({ resets: 1, lost: 0 });
  expect(audit([...before, ...publish("d", 2, 50), ...after])).toMatchObject({ resets: 1, lost: 1 });
});

test("what a log had lost when it gave its sequence again was due to nobody, and what it had kept to everybody", () => {
  const cause: Entry = { of: "cause", tenant: "demo", event: "reset", reason: "tail_lost", at: 35 };
  const kept = [rights(["x.>"], 0, 0), ...PUBLISHED, ...READY, at(1), at(2), cause];
  const again = [...publish("d", 3, 50), received("message", 3, "d", 52), complete("d")];
  expect(audit([...kept, ...again])).toMatchObject({ resets: 0, lost: 0 });
  expect(audit([...kept.filter((entry) => entry !== cause), ...again])).toMatchObject({ lost: 1 });
  const lacking = [...publish("d", 4, 50), received("message", 4, "d", 52), complete("d")];
  expect(audit([...kept, ...lacking])).toMatchObject({ lost: 1 });
});

test("who had gone before a log lost its tail is not owed what came later under a number of before", () => {
  const cause: Entry = { of: "cause", tenant: "demo", event: "reset", reason: "tail_lost", at: 35 };
  const waiting: Entry = { of: "published", tenant: "demo", topic: "x.d", text: "d", at: 22 };
  const taken: Entry = { of: "acknowledged", text: "d", sequence: 2, at: 50 };
  const run = [...PUBLISHED, ...READY, ...deliveries(1, 2, 3), waiting, taken];
  expect(audit([...run, cause])).toMatchObject({ delivered: 3, lost: 0 });
  expect(audit(run)).toMatchObject({ lost: 1 });
  expect(audit([...run, cause, received("cursor", 3, "", 60)])).toMatchObject({ lost: 1 });
});

test("what caused a reset explains none once everybody has settled", () => {
  const cause: Entry = { of: "cause", tenant: "demo", event: "reset", reason: "tail_lost", at: 5 };
  const reset = received("reset", 1, '{"reason":"tail_lost"}', 40);
  const settled = (time: number): Entry => ({ of: "settled", at: time });
  const start = [...PUBLISHED, ...READY, cause, settled(4)];
  expect(audit([...start, reset, settled(41)])).toMatchObject({ resets: 1, uncaused: 0 });
  expect(audit([...start, settled(39), reset, settled(41)])).toMatchObject({ resets: 1, uncaused: 1 });
});

test("a ledger of somebody who has opened nothing is refused", () => {
  expect(() => audit([complete("a")])).toThrow("client me has noted something and opened nothing");
});

function publish(text: string, sequence: number, time: number): Entry[] {
  return [
    { of: "published", tenant: "demo", topic: `x.${text}`, text, at: time },
    { of: "acknowledged", text, sequence, at: time + 1 },
  ];
}

function opened(time: number, after?: string) {
  return { of: "opened", client: "me", tenant: "demo", connection: "1", after, at: time } as const;
}

function received(event: string, sequence: number, text: string, time: number) {
  return { of: "received", client: "me", connection: "1", event, id: `epoch.${sequence}.t`, text, at: time } as const;
}

/** The delivery of the event with that sequence. */
function at(sequence: number, text = " abc"[sequence] ?? "") {
  return received("message", sequence, text, sequence * 10 + 2);
}

function deliveries(...sequences: number[]) {
  return sequences.map((sequence) => at(sequence));
}

function complete(text: string): Entry {
  return { of: "complete", client: "me", text };
}

function rights(topics: readonly string[], askedAt: number, acknowledgedAt: number): Entry {
  return { of: "rights", client: "me", topics, askedAt, acknowledgedAt };
}
