import { parentPort, workerData } from "node:worker_threads";
import { BootError } from "#shared/config/read-config.ts";
import type { ListRequest, ParsedList } from "./parse-list.ts";
import { parseYaml } from "./read-yaml-file.ts";

/** How many items of the list are one text: to read it takes the caller a millisecond or two. */
const ITEMS = 200;

function parse({ path, setting, text }: ListRequest): ParsedList {
  try {
    const value = parseYaml(path, setting, text);
    if (!Array.isArray(value)) return { parts: undefined };
    const count = Math.ceil(value.length / ITEMS);
    const parts = Array.from({ length: count }, (_, part) => value.slice(part * ITEMS, (part + 1) * ITEMS));
    return { parts: parts.map((part) => JSON.stringify(part)) };
  } catch (error) {
    if (error instanceof BootError) return { fault: error.message };
    throw error;
  }
}

parentPort?.postMessage(parse(workerData as ListRequest), []);
