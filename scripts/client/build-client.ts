import { copyFile, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress } from "node:zlib";
import { projectPath } from "../shared/project-folder.ts";
import { replaceFolder } from "../shared/replace-folder.ts";
import { requireCommand } from "../shared/run-command.ts";
import { ScriptError } from "../shared/run-script.ts";
import { youngest } from "../shared/youngest.ts";
import { handToEdges, SERVED } from "./hand-to-edges.ts";

const PACKAGE = projectPath("services", "client");

/** Where the package's `exports` lead. */
const OUTPUT = join(PACKAGE, "dist");

/**
 * The most that a page loads at first, compressed, beside `eventsource-parser`. What only some pages need is loaded when they do:
 * other roads, tabs, calls, reports.
 */
const MAX_CORE_BYTES = 8 * 1_024;

/** Builds the client where there is none, or where a file that it is made of is younger. `say` gets a line of progress. */
export async function ensureClient(say: (line: string) => void): Promise<void> {
  const parts = (await readdir(PACKAGE)).filter((name) => name !== "dist").map((name) => join(PACKAGE, name));
  const sources = [...parts, projectPath("services", "shared", "protocol"), projectPath("package-lock.json")];
  const built = Math.min(await youngest([join(OUTPUT, "client.min.js")]), await youngest([SERVED]));
  if (built < (await youngest(sources))) await buildClient(say);
}

/**
 * Builds what `@sluice/client` consists of, in the old one's place, and hands it to the edges.
 * @throws {ScriptError} when the core is larger than 8 KB compressed.
 */
export async function buildClient(say: (line: string) => void): Promise<void> {
  say("building the client …");
  const tsdown = projectPath("node_modules", "tsdown", "dist", "run.mjs");
  await replaceFolder(OUTPUT, async (fresh) => {
    await requireCommand(process.execPath, [tsdown, "--out-dir", fresh], { cwd: PACKAGE });
    const bytes = await coreBytes(join(fresh, "core"));
    await rm(join(fresh, "core"), { recursive: true });
    if (bytes > MAX_CORE_BYTES) {
      throw new ScriptError(`the client's core has ${bytes} bytes compressed, and may have ${MAX_CORE_BYTES}`);
    }
    say(`the client's core has ${bytes} bytes compressed`);
    // The package takes nothing from outside its own folder.
    await copyFile(projectPath("LICENSE"), join(fresh, "LICENSE"));
  });
  await handToEdges(join(OUTPUT, "client.min.js"), say);
}

/** The size of the core's file, together with those that it imports at once. */
async function coreBytes(folder: string): Promise<number> {
  const files = new Map<string, string>();
  const load = async (name: string): Promise<void> => {
    if (files.has(name)) return;
    const text = await readFile(join(folder, name), "utf8");
    files.set(name, text);
    for (const [, next = ""] of text.matchAll(/(?:from|import)\s*["'`]\.\/([^"'`]+)["'`]/g)) await load(next);
  };
  await load("client.js");
  return (await promisify(brotliCompress)([...files.values()].join("\n"))).length;
}
