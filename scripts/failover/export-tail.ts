import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { mirroredUpTo } from "#shared/contract/home.ts";
import { ScriptError } from "../shared/run-script.ts";
import type { HomeStream } from "./home-stream.ts";
import type { RegionBus } from "./region-bus.ts";

/** What nobody but auth may read: the file says that there were entries, and not what they were. */
export const SECRET_STREAMS: ReadonlySet<string> = new Set(["KV_sluice_keys", "KV_sluice_clients"]);

/** The end of a fenced original that the promoted one has not. */
export interface Tail {
  readonly stream: string;
  /** The last entry that both have. */
  readonly after: number;
  readonly entries: number;
  readonly file?: string;
}

/**
 * Writes the entries of a fenced original behind the last one that the promoted one got from it into a file of the folder, one a line,
 * and answers once it is on disk. Only the owner may read it: payloads stand in it. Without a promoted one everything is the tail.
 * @throws {ScriptError} where the folder has another tail of this stream: that may be the only copy of what a region had alone.
 */
export async function exportTail(
  bus: Pick<RegionBus, "entryFrom">,
  original: HomeStream,
  promoted: HomeStream | undefined,
  folder: string,
): Promise<Tail> {
  const { name } = original.config;
  const after = promoted === undefined ? 0 : mirroredUpTo(promoted);
  if (original.state.last_seq <= after || original.state.messages === 0) return { stream: name, after, entries: 0 };
  const lines = SECRET_STREAMS.has(name) ? countOnly(original, after) : readLines(bus, original, after);
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
  return { stream: name, after, entries, file: path };
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
    await file.write(text);
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
  { config, state }: HomeStream,
  after: number,
): AsyncGenerator<object> {
  for (let seq = after + 1; seq <= state.last_seq;) {
    const message = await bus.entryFrom(config.name, seq);
    if (message === undefined) return;
    const { hdrs = "", data = "", time, subject } = message;
    const headers = Buffer.from(hdrs, "base64").toString("utf8").split("\r\n").slice(1, -2);
    yield { seq: message.seq, time, subject, headers, ...payloadOf(Buffer.from(data, "base64")) };
    seq = message.seq + 1;
  }
}

function* countOnly({ state }: HomeStream, after: number): Generator<object> {
  yield { secret: true, from: after + 1, to: state.last_seq };
}

function payloadOf(data: Uint8Array): { data: string } | { base64: string } {
  try {
    return { data: new TextDecoder("utf-8", { fatal: true }).decode(data) };
  } catch {
    return { base64: Buffer.from(data).toString("base64") };
  }
}
