import { readFile } from "node:fs/promises";
import { familyOf } from "../../bench/account.ts";

/**
 * How much longer than its processor time the work of a process and its children takes while `work` is done: their main threads waited
 * for cores that others had, by the kernel's accounting.
 */
export async function stretchDuring(pid: number | undefined, work: () => Promise<unknown>): Promise<number> {
  const pids = await familyOf(pid);
  const before = await schedule(pids);
  await work();
  const after = await schedule(pids);
  return 1 + (after.waited - before.waited) / (after.ran - before.ran);
}

/** How long the main threads have run so far, and waited for a core, in nanoseconds. */
async function schedule(pids: readonly number[]): Promise<{ readonly ran: number; readonly waited: number }> {
  const all = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/schedstat`, "utf8")));
  const of = (place: number): number => all.reduce((sum, text) => sum + Number(text.split(" ")[place]), 0);
  return { ran: of(0), waited: of(1) };
}
