import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { exportTail } from "./export-tail.ts";
import { type HomeStream, streamSchema } from "./home-stream.ts";
import type { RegionBus } from "./region-bus.ts";

const AT = "2026-01-01T00:00:00Z";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-tail-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** A fenced log with these events, of which the promoted one has none. */
function fenced(...data: readonly string[]): [bus: Pick<RegionBus, "entryFrom">, original: HomeStream] {
  const entryFrom: RegionBus["entryFrom"] = async (_, seq) => {
    const found = data[seq - 1];
    if (found === undefined) return undefined;
    return { seq, time: AT, subject: "events.acme.order", data: Buffer.from(found).toString("base64") };
  };
  const state = { messages: data.length, first_seq: 1, first_ts: AT, last_seq: data.length, last_ts: AT };
  return [{ entryFrom }, streamSchema.parse({ config: { name: "EVENTS_acme" }, state, ts: AT })];
}

test("a tail is written again where a rejoining broke off, and never over that of another one", async () => {
  const first = fenced("one", "two");
  const file = join(folder, "EVENTS_acme.ndjson");
  for (let time = 1; time <= 2; time += 1) {
    expect(await exportTail(...first, undefined, folder)).toMatchObject({ entries: 2, file });
  }
  await expect(exportTail(...fenced("three"), undefined, folder)).rejects.toThrow(
    `${file} has the tail of another rejoining: name another folder with --out. Nothing was deleted`,
  );
  const lines = (await readFile(file, "utf8")).trim().split("\n");
  expect(lines.map((line) => (JSON.parse(line) as { data: string }).data)).toEqual(["one", "two"]);
  expect(await readdir(folder)).toEqual(["EVENTS_acme.ndjson"]);
});
