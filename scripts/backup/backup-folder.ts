import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { parseJson } from "#shared/json/parse-json.ts";
import { ScriptError } from "../shared/run-script.ts";
import { streamSchema } from "./snapshot-stream.ts";

const FORMAT = "sluice-backup/1";

const contentsSchema = z.object({
  format: z.literal(FORMAT),
  /** When it was begun, RFC 3339. */
  at: z.iso.datetime(),
  /** The release that made it. */
  version: z.string(),
  streams: z.array(streamSchema.extend({ bytes: z.int(), sha256: z.string() })),
  /** Undefined where Redis was left out; older backups have no checksum of it. */
  redis: z.object({ keys: z.int(), sha256: z.string().optional() }).optional(),
});

/** What a backup holds. */
export type BackupContents = z.infer<typeof contentsSchema>;

/**
 * Makes the folder of a backup, which its owner alone may read.
 * @throws {ScriptError} where there is one.
 */
export async function makeBackupFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const contents = await readFile(join(folder, "backup.json")).catch(() => undefined);
  if (contents !== undefined) throw new ScriptError(`there is a backup in ${folder} already: name another folder`);
  await mkdir(join(folder, "streams"), { recursive: true, mode: 0o700 });
}

/** Where the snapshot of a stream lies. */
export function snapshotPath(folder: string, stream: string): string {
  return join(folder, "streams", `${stream}.snapshot`);
}

/** Where the keys of Redis lie. */
export function redisPath(folder: string): string {
  return join(folder, "redis.ndjson");
}

/** Writes what a backup holds; written last, it says that the backup is whole. */
export async function writeContents(folder: string, contents: Omit<BackupContents, "format">): Promise<void> {
  const text = JSON.stringify({ format: FORMAT, ...contents }, null, 2);
  await writeFile(join(folder, "backup.json"), `${text}\n`, { mode: 0o600 });
}

/**
 * Reads what a backup holds, and makes sure that all of it that is to be put back is as it was written.
 * @throws {ScriptError} saying what is missing or changed.
 */
export async function readContents(
  folder: string,
  { redis: withRedis }: { readonly redis: boolean },
): Promise<BackupContents> {
  const text = await readFile(join(folder, "backup.json"), "utf8").catch(() => {
    throw new ScriptError(`there is no whole backup in ${folder}: backup.json is missing`);
  });
  const contents = contentsSchema.safeParse(parseJson(text));
  if (!contents.success) throw new ScriptError(`${join(folder, "backup.json")} is not what sluice backup writes`);
  const { streams, redis } = contents.data;
  for (const { config, sha256 } of streams) {
    await requireWhole(snapshotPath(folder, config.name), `the snapshot of ${config.name}`, sha256);
  }
  if (withRedis && redis !== undefined) await requireWhole(redisPath(folder), "what Redis had", redis.sha256);
  return contents.data;
}

async function requireWhole(path: string, what: string, sha256: string | undefined): Promise<void> {
  const found = await hashOf(path);
  if (found === undefined) throw new ScriptError(`${what} is missing: nothing was put back`);
  if (sha256 !== undefined && found !== sha256) throw new ScriptError(`${what} is damaged: nothing was put back`);
}

/** The file's checksum; undefined where it cannot be read. */
async function hashOf(path: string): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
    return hash.digest("hex");
  } catch {
    return undefined;
  }
}
