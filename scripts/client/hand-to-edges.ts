import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { compressFile } from "../shared/compress-file.ts";
import { projectPath } from "../shared/project-folder.ts";
import { replaceFolder } from "../shared/replace-folder.ts";

const OUTPUT = projectPath(".sluice", "client");

/** What edges serve as `/client/v1.js`. */
export const SERVED = join(OUTPUT, "v1.js");

/** Puts the built client where edges serve it from, all of it at once; `say` gets the line by which a page pins it. */
export async function handToEdges(built: string, say: (line: string) => void): Promise<void> {
  await replaceFolder(OUTPUT, async (fresh) => {
    await mkdir(fresh, { recursive: true });
    const file = join(fresh, "v1.js");
    await copyFile(built, file);
    const loaded = await compressFile(file);
    const digest = createHash("sha384")
      .update(await readFile(file))
      .digest("base64");
    say(`edges serve it at /client/v1.js: ${loaded} bytes compressed, integrity="sha384-${digest}"`);
  });
}
