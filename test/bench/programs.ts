import { type ChildProcessByStdio, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { endWithUs } from "#test/support/end-with-us.ts";

const run = promisify(execFile);

/** A program of the harness: it answers each line on its stdin with a line of JSON. */
export interface Program extends AsyncDisposable {
  readonly pid: number;
  /** What it says without being asked. */
  hear<Answer>(): Promise<Answer>;
  ask<Answer>(line: string): Promise<Answer>;
}

/** The programs that make load and that the edge is compared with, each a process of its own. */
export interface Programs extends AsyncDisposable {
  /** C where this machine has a compiler; the same in Node where it has none. */
  readonly language: "C" | "Node";
  /** A folder for files of this run. */
  readonly folder: string;
  start(name: "readers" | "write-loop" | "clients", args?: readonly string[]): Program;
}

/** Compiles test/bench/native with the machine's `cc`; falls back on test/bench/processes. */
export async function preparePrograms(): Promise<Programs> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-bench-"));
  const language = await compileAll(folder).then(
    () => "C" as const,
    () => "Node" as const,
  );
  const commandOf = (name: string): readonly [string, ...string[]] =>
    language === "C" ? [join(folder, name)] : [process.execPath, pathOf(`processes/${name}.ts`)];
  return {
    language,
    folder,
    start: (name, args = []) => startProgram([...commandOf(name), ...args]),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

async function compileAll(folder: string): Promise<void> {
  const compile = (name: string): Promise<unknown> =>
    run("cc", ["-O2", "-o", join(folder, name), pathOf(`native/${name}.c`)]);
  await Promise.all(["readers", "write-loop", "clients"].map(compile));
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}

function startProgram([command = "", ...args]: readonly string[]): Program {
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(command, args, {
    stdio: ["pipe", "pipe", "inherit"],
  });
  endWithUs(child);
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const hear = async <Answer>(): Promise<Answer> => {
    const { value, done } = await answers.next();
    if (done === true) throw new Error(`${command} ended`);
    return JSON.parse(value) as Answer;
  };
  return {
    pid: child.pid ?? 0,
    hear,
    ask: async (line) => {
      child.stdin.write(`${line}\n`);
      return hear();
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}
