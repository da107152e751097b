import type { Terminal } from "./command.ts";

const silent = (): void => undefined;

/** A terminal that shows nothing, for who wants to know of commands and runs none. */
export function silentTerminal(env: NodeJS.ProcessEnv = {}): Omit<Terminal, "print"> {
  return {
    env,
    origins: new Map<string, string>(),
    stdin: process.stdin,
    columns: 100,
    say: silent,
    warn: silent,
    endWith: silent,
  };
}
