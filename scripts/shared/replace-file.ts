import { rename, writeFile } from "node:fs/promises";

/** Writes a file in place of the one that is there, as a whole: a program that reads it meanwhile finds the old one or the new. */
export async function replaceFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}
