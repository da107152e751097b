import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The wall clock of a process that a test starts. */
export interface OwnClock extends AsyncDisposable {
  /** Variables that the process needs. */
  readonly env: NodeJS.ProcessEnv;
  /** Sets it off from the machine's by so much; in force within 50 ms. */
  set(aheadMs: number): Promise<void>;
}

/**
 * Makes a wall clock that a test sets. It is that of the process's JavaScript: `Date` reads it, and timers, sockets, and
 * everything else that counts on the monotonic clock do not, as when an administrator sets a machine's clock.
 */
export async function createOwnClock(aheadMs = 0): Promise<OwnClock> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-clock-"));
  const file = join(folder, "ahead");
  const set = (ms: number): Promise<void> => writeFile(file, String(ms));
  await set(aheadMs);
  const code = `
    import { readFileSync } from "node:fs";
    const RealDate = Date;
    let [ahead, readAt] = [0, -Infinity];
    const now = () => {
      if (performance.now() - readAt > 50) {
        readAt = performance.now();
        // While it is written it is empty.
        const text = readFileSync(${JSON.stringify(file)}, "utf8");
        if (text !== "") ahead = Number(text);
      }
      return RealDate.now() + ahead;
    };
    globalThis.Date = class Date extends RealDate {
      constructor(...parts) { super(...(parts.length === 0 ? [now()] : parts)); }
      static now() { return now(); }
    };`;
  return {
    env: { NODE_OPTIONS: `--import data:text/javascript;base64,${Buffer.from(code).toString("base64")}` },
    set,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}
