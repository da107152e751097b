import { Readable } from "node:stream";
import { runSluice } from "../../scripts/commands/run-sluice.ts";

/** How a command ended, and the lines that it printed. */
export interface SluiceResult {
  readonly code: number;
  readonly out: readonly string[];
  readonly err: readonly string[];
}

/** Runs a command of `sluice` in this process, with these settings alone. */
export async function sluice(
  args: readonly string[],
  { env = {}, stdin = "", isTTY = false }: { env?: NodeJS.ProcessEnv; stdin?: string; isTTY?: boolean } = {},
): Promise<SluiceResult> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runSluice(args, {
    env,
    origins: new Map(),
    stdin: Object.assign(Readable.from(stdin === "" ? [] : [stdin]), { isTTY }),
    columns: 100,
    say: (line) => void out.push(line),
    warn: (line) => void err.push(line),
  });
  return { code, out, err };
}
