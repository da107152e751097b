import { readFile } from "node:fs/promises";
import type { Logger } from "#shared/log/create-logger.ts";

const SETTINGS = [
  {
    name: "net.ipv4.tcp_wmem",
    /** The last of three figures. */
    most: 131_072,
    wanted: "4096 16384 131072",
    why: "bytes that the kernel may hold for a reader that does not read",
  },
  {
    name: "net.ipv4.tcp_retries2",
    /** About 100 s; the usual 15 are a quarter of an hour, and nothing else in Node ends a socket that is never acknowledged. */
    most: 8,
    wanted: "8",
    why: "times that the kernel sends again to a client that has vanished, before its stream is freed",
  },
] as const;

/** Warns about kernel settings beyond those that the edge relies on. Does nothing outside Linux. */
export async function checkKernel(log: Logger): Promise<void> {
  for (const { name, most, wanted, why } of SETTINGS) {
    const text = await readFile(`/proc/sys/${name.replaceAll(".", "/")}`, "utf8").catch(() => "");
    const value = Number(text.trim().split(/\s+/).at(-1) ?? 0);
    if (value > most) log.warn({ setting: name, value, wanted }, `${value} ${why}: set ${name} to "${wanted}"`);
  }
}
