import { Readable } from "node:stream";
import { runSluice } from "../../scripts/commands/run-sluice.ts";

/** How a command ended, and the lines that it printed. */
export interface SluiceResult {
  readonly code: number;
  readonly out: readonly string[];
  readonly err: readonly string[];
}

interface SluiceOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly stdin?: string | AsyncIterable<string>;
  readonly isTTY?: boolean;
  /** Gets each line as it is printed. */
  readonly print?: (line: string) => void;
}

/** Runs a command of `sluice` in this process, with these settings alone. */
export async function sluice(
  args: readonly string[],
  { env = {}, stdin = "", isTTY = false, print = () => {} }: SluiceOptions = {},
): Promise<SluiceResult> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runSluice(args, {
    env,
    origins: new Map(),
    stdin: Object.assign(Readable.from(typeof stdin !== "string" ? stdin : stdin === "" ? [] : [stdin]), { isTTY }),
    columns: 100,
    say(line) {
      out.push(line);
      print(line);
    },
    warn(line) {
      err.push(line);
      print(line);
    },
  });
  return { code, out, err };
}
