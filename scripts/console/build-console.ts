import { readdir, rename, rm } from "node:fs/promises";
import { extname, join } from "node:path";
import { compressFile } from "../shared/compress-file.ts";
import { projectPath } from "../shared/project-folder.ts";
import { requireCommand } from "../shared/run-command.ts";
import { youngest } from "../shared/youngest.ts";

/** Where policy finds the console. */
const OUTPUT = projectPath(".sluice", "console");

/** What the console is made of. */
const SOURCES = [
  projectPath("services", "console"),
  projectPath("services", "client"),
  projectPath("services", "shared"),
  projectPath("infra", "demo", "page"),
  projectPath("package-lock.json"),
];

const COMPRESSED = [".html", ".css", ".js"];

/** Builds the console where there is none, or where a file that it is made of is younger. `say` gets a line of progress. */
export async function ensureConsole(say: (line: string) => void): Promise<void> {
  const built = await youngest([join(OUTPUT, "index.html")]);
  if (built < (await youngest(SOURCES))) await buildConsole(say);
}

/** Builds the console. It takes the old one's place as a whole: who builds at the same time, or reads, sees one of them. */
export async function buildConsole(say: (line: string) => void): Promise<void> {
  say("building the console …");
  const fresh = `${OUTPUT}-${process.pid}`;
  const vite = projectPath("node_modules", "vite", "bin", "vite.js");
  const config = projectPath("services", "console", "vite.config.ts");
  await requireCommand(process.execPath, [vite, "build", "--config", config, "--outDir", fresh, "--logLevel", "warn"]);
  for (const file of await filesIn(fresh)) if (COMPRESSED.includes(extname(file))) await compressFile(file);
  const former = `${fresh}-former`;
  await rename(OUTPUT, former).catch(ignoreMissing);
  // Another build may have come first: it is as good as this one.
  await rename(fresh, OUTPUT).catch(() => rm(fresh, { recursive: true }));
  await rm(former, { recursive: true, force: true });
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
