import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { isAlive } from "./child.ts";
import { waitFor } from "./wait.ts";

const CHILD = fileURLToPath(new URL("child.ts", import.meta.url));

/** Starts a child that would live on, and says its process id. */
const PROGRAM = `
  const { startChild } = await import(${JSON.stringify(CHILD)});
  const child = startChild(process.execPath, ["-e", "setInterval(() => {}, 1000)"], {});
  console.log(child.process.pid);`;

test.each<[string, (pid: number) => void]>([
  ["alone", (pid) => void process.kill(pid, "SIGKILL")],
  ["with its process group", (pid) => void process.kill(-pid, "SIGKILL")],
])("a child ends with the process that started it, killed %s", async (_, kill) => {
  const starter = spawn(process.execPath, ["--input-type=module", "-e", PROGRAM], { detached: true });
  const [line] = (await once(starter.stdout, "data")) as [Buffer];
  const pid = Number(line.toString());
  expect(isAlive(pid)).toBe(true);
  kill(starter.pid ?? 0);
  await waitFor("the child is gone", () => !isAlive(pid));
});
