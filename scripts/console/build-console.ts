import { extname, join } from "node:path";
import { compressFile } from "../shared/compress-file.ts";
import { filesBelow } from "../shared/files-below.ts";
import { projectPath } from "../shared/project-folder.ts";
import { replaceFolder } from "../shared/replace-folder.ts";
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

/** Builds the console, in the old one's place. */
export async function buildConsole(say: (line: string) => void): Promise<void> {
  say("building the console …");
  const vite = projectPath("node_modules", "vite", "bin", "vite.js");
  const config = projectPath("services", "console", "vite.config.ts");
  await replaceFolder(OUTPUT, async (fresh) => {
    await requireCommand(process.execPath, [
      vite,
      "build",
      "--config",
      config,
      "--outDir",
      fresh,
      "--logLevel",
      "warn",
    ]);
    for (const file of await filesBelow(fresh)) if (COMPRESSED.includes(extname(file))) await compressFile(file);
  });
}
