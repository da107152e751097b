import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { inTurns } from "#shared/async/in-turns.ts";
import { BootError } from "#shared/config/read-config.ts";

/** The text of a file, and what names it in a fault. */
export interface ListRequest {
  readonly path: string;
  readonly setting: string;
  readonly text: string;
}

/** The items in JSON, some in each part; undefined where the file is no list. */
export type ParsedList = { readonly parts: readonly string[] | undefined } | { readonly fault: string };

/**
 * Parses a YAML file that is a list, in a thread of its own: 10 000 users take 1.6 s. Undefined where it is no list.
 * @throws {BootError} naming every fault in it. It never quotes the file.
 */
export async function parseList(request: ListRequest): Promise<unknown[] | undefined> {
  const worker = new Worker(new URL("parse-list-worker.ts", import.meta.url), { workerData: request });
  const [parsed] = (await once(worker, "message")) as [ParsedList];
  if ("fault" in parsed) throw new BootError(parsed.fault);
  const parts = parsed.parts && (await inTurns(parsed.parts, 1, (part) => JSON.parse(part) as unknown[]));
  return parts?.flat();
}
