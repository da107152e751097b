import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startChild } from "#test/support/child.ts";
import { waitFor } from "#test/support/wait.ts";
import { exportTail, type Fenced } from "./export-tail.ts";
import { type HomeStream, streamSchema } from "./home-stream.ts";
import type { StoredEntry } from "./region-bus.ts";

const LOG = "EVENTS_acme";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-tail-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** An entry that was stored in this second of a minute. */
function entry(seq: number, second: number, [subject, data]: readonly [string, unknown]): StoredEntry {
  const time = new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
  return {
    seq,
    time,
    subject,
    data: Buffer.from(typeof data === "string" ? data : JSON.stringify(data)).toString("base64"),
  };
}

const event = (topic: string) => [`events.acme.${topic}`, topic] as const;
const erasure = (subject: string, through: number) => ["control.acme.erased", { subject, through }] as const;

/** A log with these entries, the first of them as its first, each stored a second after the other. */
function log(...entries: readonly StoredEntry[]) {
  const deleted: number[] = [];
  const [first, last] = [entries[0]?.seq ?? 1, entries.at(-1)?.seq ?? 0];
  for (let seq = first; seq < last; seq += 1) if (!entries.some((each) => each.seq === seq)) deleted.push(seq);
  const at = "2026-01-01T00:00:00Z";
  const state = { messages: entries.length, first_seq: first, first_ts: at, last_seq: last, last_ts: at };
  const described = { config: { name: LOG }, state: { ...state, num_deleted: deleted.length, deleted }, ts: at };
  return {
    original: streamSchema.parse(described),
    stream: async () => streamSchema.parse(described),
    entryFrom: async (_: string, from: number, subject = ">") =>
      entries.find((each) => each.seq >= from && (subject === ">" || each.subject === subject)),
  };
}

const NONE = log();

function fenced(...topics: readonly string[]): Fenced {
  const bus = log(...topics.map((topic, index) => entry(index + 1, index, event(topic))));
  return { bus, original: bus.original, seat: NONE, promoted: undefined };
}

/** What was promoted of a mirror that ended there and lacked this. */
function promotedAfter(mirrored: number, holes: string): HomeStream {
  const { original } = NONE;
  const metadata = { sluice_mirrored: String(mirrored), sluice_holes: holes };
  return { ...original, config: { ...original.config, metadata } };
}

async function linesIn(file = `${LOG}.ndjson`): Promise<unknown[]> {
  const lines = (await readFile(join(folder, file), "utf8")).trim().split("\n");
  return lines.map((line) => (JSON.parse(line) as { data: string }).data);
}

test("a tail is written again where a rejoining broke off, and never over that of another one", async () => {
  const first = fenced("one", "two");
  const file = join(folder, `${LOG}.ndjson`);
  for (let time = 1; time <= 2; time += 1) {
    expect(await exportTail(first, folder)).toMatchObject({ entries: 2, file });
  }
  await expect(exportTail(fenced("three"), folder)).rejects.toThrow(
    `${file} has the tail of another rejoining: name another folder with --out. Nothing was deleted`,
  );
  expect(await linesIn()).toEqual(["one", "two"]);
  expect(await readdir(folder)).toEqual([`${LOG}.ndjson`]);
});

test("what the mirror lacked inside is written too, and nothing that both had or neither has", async () => {
  const bus = log(...[1, 2, 3, 5, 6, 8, 9].map((seq) => entry(seq, seq, event(`no-${seq}`))));
  const promoted = promotedAfter(8, "1-2,4,6-7");
  expect(await exportTail({ bus, original: bus.original, seat: NONE, promoted }, folder)).toMatchObject({
    after: 8,
    entries: 4,
  });
  expect(await linesIn()).toEqual(["no-1", "no-2", "no-6", "no-9"]);
});

test("where both had the same up to the end of the mirror nothing is written", async () => {
  const bus = log(entry(3, 3, event("kept")));
  const promoted = promotedAfter(3, "1-2");
  expect(await exportTail({ bus, original: bus.original, seat: NONE, promoted }, folder)).toMatchObject({ entries: 0 });
  expect(await readdir(folder)).toEqual([]);
});

test("what people had erased is in no file: of the old log as it says, of the new one what was older", async () => {
  const bus = log(
    entry(1, 1, event("old.alice")),
    entry(2, 2, event("old.bob")),
    entry(3, 3, erasure("old.alice", 2)),
    entry(4, 4, event("old.alice")),
    entry(5, 5, event("new.carol")),
    entry(6, 9, event("new.carol")),
  );
  const seat = log(entry(4, 6, event("other")), entry(5, 7, erasure("new.*", 4)));
  const promoted = promotedAfter(3, "1-2");
  await exportTail({ bus, original: bus.original, seat, promoted }, folder);
  expect(await linesIn()).toEqual(["old.bob", "old.alice", "new.carol"]);
  expect(await readFile(join(folder, `${LOG}.ndjson`), "utf8")).not.toContain('"seq":5');
});

/** A tail of some kB, of which the disk takes 512 bytes. */
const ON_FULL_DISK = `
  import { exportTail } from ${JSON.stringify(new URL("./export-tail.ts", import.meta.url).href)};
  const original = { config: { name: "EVENTS_acme" }, state: { messages: 1, first_seq: 1, last_seq: 1, num_deleted: 0 } };
  const data = Buffer.alloc(3_000).toString("base64");
  const bus = { entryFrom: async (_, seq, subject) => seq > 1 || subject ? undefined : { seq, time: "2026-01-01T00:00:00Z", subject: "events.acme.a", data } };
  await exportTail({ bus, original, seat: bus, promoted: undefined }, process.env.FOLDER);
`;

test("a tail of which the disk takes a part alone is none", async () => {
  const child = startChild("sh", ["-c", 'ulimit -f 1; exec node --input-type=module -e "$CODE"'], {
    CODE: ON_FULL_DISK,
    FOLDER: folder,
  });
  await waitFor("it has ended", () => child.process.exitCode !== null);
  expect(child.output()).toContain("EFBIG");
  expect(await readdir(folder)).toEqual([]);
});
