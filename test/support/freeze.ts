import { readFile } from "node:fs/promises";
import { waitFor } from "./wait.ts";

/** Stops a process where it stands, and answers once the kernel has: until then it may still do something. */
export async function freeze(pid: number): Promise<void> {
  process.kill(pid, "SIGSTOP");
  await waitFor(`process ${pid} stands still`, async () => {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).startsWith("T");
  });
}
