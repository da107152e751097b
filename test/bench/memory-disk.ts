import { access } from "node:fs/promises";

/** A folder in memory for a log, where there is one: on a disk each event is synced before it is acknowledged. */
export async function memoryDisk(): Promise<{ readonly disk?: string }> {
  const disk = "/dev/shm";
  return access(disk).then(
    () => ({ disk }),
    () => ({}),
  );
}
