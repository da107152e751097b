import { freeze } from "#test/support/freeze.ts";
import type { Process } from "../world.ts";

/** Stops the process and all that it has started where they stand; what it answers lets them go on. */
export async function standStill(process: Process): Promise<() => void> {
  const pids = await process.pids();
  await Promise.all(pids.map(freeze));
  return () => pids.forEach(thaw);
}

function thaw(pid: number): void {
  try {
    process.kill(pid, "SIGCONT");
  } catch {
    // A supervisor has ended it meanwhile.
  }
}
