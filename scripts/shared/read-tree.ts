import { readFile } from "node:fs/promises";
import { relative } from "node:path";
import { filesBelow } from "./files-below.ts";

/** What is in each file below a folder, in Latin-1, by its path from there. */
export async function readTree(folder: string): Promise<Map<string, string>> {
  const files = (await filesBelow(folder)).toSorted();
  return new Map(
    await Promise.all(files.map(async (file) => [relative(folder, file), await readFile(file, "latin1")] as const)),
  );
}
