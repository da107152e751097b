import { readFileSync } from "node:fs";

/** How many descriptors this process may have open; undefined where the platform does not say. Node raises it to the hard limit. */
export function readDescriptorLimit(): number | undefined {
  try {
    const limits = readFileSync("/proc/self/limits", "utf8");
    const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}
