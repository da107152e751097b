import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { mirroredUpTo } from "#shared/contract/home.ts";
import { ScriptError } from "../shared/run-script.ts";
import { lackedStretches, type Stretch } from "./holes.ts";
import type { HomeStream } from "./home-stream.ts";
import { type IsErased, readErasures } from "./read-erasures.ts";
import type { RegionBus } from "./region-bus.ts";

/** What nobody but auth may read: the file says that there were entries, and not what they were. */
export const SECRET_STREAMS: ReadonlySet<string> = new Set(["KV_sluice_keys", "KV_sluice_clients"]);

/** What a fenced original has, and the promoted one has not. */
export interface Tail {
  readonly stream: string;
  /** The last entry that the promoted one got of it. Of those up to here it may lack some inside. */
  readonly after: number;
  readonly entries: number;
  readonly file?: string;
}

/** A fenced original, and what was promoted in its place. */
export interface Fenced {
  readonly bus: Pick<RegionBus, "stream" | "entryFrom">;
  readonly original: HomeStream;
  readonly seat: Pick<RegionBus, "entryFrom">;
  /** Undefined where there is none. */
  readonly promoted: HomeStream | undefined;
}

/**
 * Writes the entries of a fenced original which the promoted one did not get from it into a file of the folder, one a line, and answers
 * once it is on disk: those behind the last one that it got, and those that it lacked inside. What people had erased is left out. Only the
 * owner may read the file: payloads stand in it. Without a promoted one everything is the tail.
 * @throws {ScriptError} where the folder has another tail of this stream: that may be the only copy of what a region had alone.
 */
export async function exportTail(fenced: Fenced, folder: string): Promise<Tail> {
  const { bus, original, promoted } = fenced;
  const { name } = original.config;
  const after = promoted === undefined ? 0 : mirroredUpTo(promoted);
  const stretches = await stretchesToExport(fenced, after);
  if (stretches.length === 0) return { stream: name, after, entries: 0 };
  const lines = SECRET_STREAMS.has(name)
    ? stretches.map(countOnly)
    : readLines(bus, name, stretches, await readErasures(name, { here: bus, seat: fenced.seat, after }));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `${name}.ndjson`);
  const part = `${path}.part`;
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(part, { force: true }));
  const { entries, digest } = await writeLines(part, lines);
  if (entries === 0) return { stream: name, after, entries };
  const before = await digestOf(path);
  if (before !== undefined && before !== digest) {
    throw new ScriptError(
      `${path} has the tail of another rejoining: name another folder with --out. Nothing was deleted`,
    );
  }
  await rename(part, path);
  await syncFolder(folder);
  return { stream: name, after, entries, file: path };
}

async function stretchesToExport({ bus, original, promoted }: Fenced, after: number): Promise<Stretch[]> {
  const { messages, last_seq } = original.state;
  if (messages === 0) return [];
  const lacked = promoted === undefined ? [] : await lackedStretches(bus, original, promoted);
  return last_seq > after ? [...lacked, { first: after + 1, last: last_seq }] : lacked;
}

/** A file whose name is not on disk is gone with the power. */
async function syncFolder(folder: string): Promise<void> {
  await using directory = await open(folder, "r");
  await directory.sync();
}

async function writeLines(
  path: string,
  lines: AsyncIterable<object> | Iterable<object>,
): Promise<{ readonly entries: number; readonly digest: string }> {
  const hash = createHash("sha256");
  let entries = 0;
  await using file = await open(path, "w", 0o600);
  for await (const line of lines) {
    const text = `${JSON.stringify(line)}\n`;
    hash.update(text);
    // `write` is content with a part, as the end of a full disk takes.
    await file.writeFile(text);
    entries += 1;
  }
  await file.sync();
  return { entries, digest: hash.digest("hex") };
}

/** Undefined where there is no such file. */
async function digestOf(path: string): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(path), hash);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  return hash.digest("hex");
}

async function* readLines(
  bus: Pick<RegionBus, "entryFrom">,
  stream: string,
  stretches: readonly Stretch[],
  isErased: IsErased,
): AsyncGenerator<object> {
  for (const { first, last } of stretches) {
    for (let next = first; next <= last;) {
      const message = await bus.entryFrom(stream, next);
      if (message === undefined || message.seq > last) break;
      const { seq, hdrs = "", data = "", time, subject } = message;
      next = seq + 1;
      if (isErased(message)) continue;
      const headers = Buffer.from(hdrs, "base64").toString("utf8").split("\r\n").slice(1, -2);
      yield { seq, time, subject, headers, ...payloadOf(Buffer.from(data, "base64")) };
    }
  }
}

function countOnly({ first, last }: Stretch): object {
  return { secret: true, from: first, to: last };
}

function payloadOf(data: Uint8Array): { data: string } | { base64: string } {
  try {
    return { data: new TextDecoder("utf-8", { fatal: true }).decode(data) };
  } catch {
    return { base64: Buffer.from(data).toString("base64") };
  }
}
