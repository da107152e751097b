import { readdir, readFile } from "node:fs/promises";
import { waitFor } from "./wait.ts";

/** A process: a child, or a server of a test. */
interface Running {
  readonly pid?: number | undefined;
}

/** Stops a process where it stands, and answers once each of its threads has: until then it may still do something. */
export async function freeze(running: Running): Promise<void> {
  const pid = pidOf(running);
  process.kill(pid, "SIGSTOP");
  await waitFor(`process ${pid} stands still`, async () => {
    const states = await Promise.all((await readdir(`/proc/${pid}/task`)).map((thread) => stateOf(pid, thread)));
    return states.every((state) => state === "T");
  });
}

/** Lets a process go on that was frozen. */
export function thaw(running: Running): void {
  process.kill(pidOf(running), "SIGCONT");
}

/** Without a pid the signal would hit this process and its group. */
function pidOf({ pid }: Running): number {
  if (!pid) throw new Error("this process does not run");
  return pid;
}

async function stateOf(pid: number, thread: string): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/task/${thread}/stat`, "utf8").catch(() => "");
  return stat[stat.lastIndexOf(")") + 2];
}
