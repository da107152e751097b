import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { endWithUs } from "#test/support/end-with-us.ts";

/** A process of clients, and the file of the ledger it writes. */
export interface ClientProcess extends AsyncDisposable {
  readonly process: ChildProcess;
  readonly file: string;
  /** Resolves when the process is gone: its ledger is complete. */
  readonly exited: Promise<unknown>;
}

/** Starts one of `processes/`. */
export async function startProcess(name: string): Promise<ClientProcess> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-ledger-"));
  const file = join(folder, "ledger.jsonl");
  await writeFile(file, "");
  const child = fork(fileURLToPath(new URL(`processes/${name}`, import.meta.url)));
  endWithUs(child);
  const exited = once(child, "exit");
  return {
    process: child,
    file,
    exited,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
      await rm(folder, { recursive: true });
    },
  };
}

/** The next message of a process; throws when it ends first. */
export async function answerOf<T>(child: ChildProcess): Promise<T> {
  const ended = new AbortController();
  const exited = once(child, "exit", { signal: ended.signal }).then(([code]) => {
    throw new Error(`a process of clients ended with ${String(code)}`);
  });
  const answered = once(child, "message", { signal: ended.signal });
  const [answer] = (await Promise.race([answered, exited])) as [T];
  ended.abort();
  await Promise.allSettled([answered, exited]);
  return answer;
}
