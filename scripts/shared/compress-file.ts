import { readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

/**
 * Writes a file's compressed forms beside it, as small as can be. Brotli is for browsers over TLS and on this machine: over
 * plain HTTP from elsewhere they take gzip alone. Answers how many bytes have to be loaded at least.
 */
export async function compressFile(file: string): Promise<number> {
  const bytes = await readFile(file);
  const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
  const smallest = await promisify(brotliCompress)(bytes, { params });
  await writeFile(`${file}.br`, smallest);
  await writeFile(`${file}.gz`, await promisify(gzip)(bytes, { level: 9 }));
  return smallest.length;
}
