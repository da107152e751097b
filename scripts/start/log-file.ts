import { closeSync, copyFileSync, existsSync, openSync, readSync, renameSync, statSync, truncateSync } from "node:fs";
import { prettyLine } from "#shared/log/pretty-line.ts";

/** A file is set aside when it is this long. */
const MAX_BYTES = 16 * 1024 * 1024;

/** Files that were set aside, beside the one that is written. */
const KEPT = 5;

/** How often to look. */
const LOOK_MS = 1_000;

/** So much is read at a time for the terminal; of more, the oldest lines are in the file alone. */
const MAX_SHOWN_BYTES = 64 * 1024;

/** What people at the terminal should see. */
const SERIOUS = /"level":"(warn|error|fatal)"/;

/** A bound on what a log takes on disk; what is left out here has its default. */
export interface LogFileOptions {
  readonly maxBytes?: number;
  readonly kept?: number;
}

/**
 * The file that a server writes what it prints to. It is bounded in size and number: the server has it open, and goes on with it when
 * its text was copied to `<file>.1`. What is written during the copy may be lost. Warnings and errors of services go to `show`, too.
 */
export class LogFile {
  readonly #path: string;
  readonly #show: (text: string) => void;
  readonly #maxBytes: number;
  readonly #kept: number;
  #shownTo: number;

  constructor(path: string, show: (text: string) => void, { maxBytes = MAX_BYTES, kept = KEPT }: LogFileOptions = {}) {
    [this.#path, this.#show, this.#maxBytes, this.#kept] = [path, show, maxBytes, kept];
    this.#shownTo = this.#size();
  }

  /** Shows what is new, and sets the file aside where it is too long. */
  look(): void {
    const size = this.#size();
    if (size > this.#shownTo) this.#showTo(size);
    if (size < this.#maxBytes) return;
    for (let number = this.#kept - 1; number > 0; number -= 1) {
      if (existsSync(`${this.#path}.${number}`)) renameSync(`${this.#path}.${number}`, `${this.#path}.${number + 1}`);
    }
    copyFileSync(this.#path, `${this.#path}.1`);
    truncateSync(this.#path);
    this.#shownTo = 0;
  }

  #showTo(size: number): void {
    const from = Math.max(this.#shownTo, size - MAX_SHOWN_BYTES);
    const bytes = Buffer.alloc(size - from);
    const file = openSync(this.#path, "r");
    readSync(file, bytes, 0, bytes.length, from);
    closeSync(file);
    // A line that is not whole yet is shown the next time.
    const end = bytes.lastIndexOf("\n") + 1;
    this.#shownTo = from + end;
    const lines = bytes.subarray(0, end).toString().split("\n");
    for (const line of lines) if (SERIOUS.test(line)) this.#show(prettyLine(line).trimEnd());
  }

  #size(): number {
    return statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
  }
}

/** Looks after a log file until disposed. */
export function keepLogFile(path: string, show: (text: string) => void): Disposable {
  const file = new LogFile(path, show);
  const timer = setInterval(() => file.look(), LOOK_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
