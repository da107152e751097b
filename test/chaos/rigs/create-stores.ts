import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClusterProcess } from "#test/support/cluster-process.ts";
import type { Stores } from "../world.ts";

/** A broker and its folder. */
export interface StoredBroker {
  readonly process: ClusterProcess;
  readonly storeDir: string;
}

/** Copies and restores the folders of all brokers at once. */
export async function createStores(brokers: readonly StoredBroker[]): Promise<Stores & AsyncDisposable> {
  const copies = await mkdtemp(join(tmpdir(), "sluice-stores-"));
  const startAll = () => Promise.all(brokers.map(({ process }) => process.restart()));
  const replace = async (to: string, from: string): Promise<void> => {
    await rm(to, { recursive: true, force: true });
    await cp(from, to, { recursive: true });
  };
  return {
    async copy() {
      await Promise.all(brokers.map(({ process }) => process.end()));
      for (const { process, storeDir } of brokers) await replace(join(copies, process.name), storeDir);
      await startAll();
    },
    async restore(lost) {
      await Promise.all(brokers.map(({ process }) => process.kill()));
      for (const { process, storeDir } of brokers) await replace(storeDir, join(copies, process.name));
      lost();
      await startAll();
    },
    [Symbol.asyncDispose]: () => rm(copies, { recursive: true, force: true }),
  };
}
