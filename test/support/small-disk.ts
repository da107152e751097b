import { execFile } from "node:child_process";
import { mkdtemp, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

const ROOMY = "4g";

/** A file system of its own in memory. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
  /** Takes all room that is left: writes fail with ENOSPC. */
  fill(): Promise<void>;
  /** Gives the room back. */
  free(): Promise<void>;
}

/** Mounts it; undefined where this process may not mount anything. */
export async function mountSmallDisk(): Promise<SmallDisk | undefined> {
  const path = await mkdtemp(join(tmpdir(), "sluice-disk-"));
  const resize = (size: string) => run("mount", ["-o", `remount,size=${size}`, path]);
  try {
    await run("mount", ["-t", "tmpfs", "-o", `size=${ROOMY}`, "tmpfs", path]);
  } catch {
    await rm(path, { recursive: true });
    return undefined;
  }
  return {
    path,
    async fill() {
      const { blocks, bfree, bsize } = await statfs(path);
      await resize(String((blocks - bfree) * bsize));
    },
    free: async () => void (await resize(ROOMY)),
    async [Symbol.asyncDispose]() {
      await run("umount", [path]);
      await rm(path, { recursive: true });
    },
  };
}
