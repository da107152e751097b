import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { runCommand } from "../shared/run-command.ts";

/** nats-server takes a new account in with the first reload, and connects its imports with the second (2.15). */
const RELOADS = 2;

/** Signals that come while one is being looked at are one. */
const BETWEEN_RELOADS_MS = 1_000;

/** Has the nats-server that wrote the file read its configuration again; false where none runs. */
export async function reloadServer(pidFile: string): Promise<boolean> {
  const pid = Number(await readFile(pidFile, "utf8").catch(() => "0"));
  // The file of a server that was killed stays, and its number may be somebody else's by now: SIGHUP would end them.
  if (!Number.isInteger(pid) || pid < 2 || !(await isNatsServer(pid))) return false;
  for (let reload = 1; reload <= RELOADS; reload += 1) {
    process.kill(pid, "SIGHUP");
    await delay(BETWEEN_RELOADS_MS);
  }
  return true;
}

async function isNatsServer(pid: number): Promise<boolean> {
  const { code, stdout } = await runCommand("ps", ["-p", String(pid), "-o", "comm="]);
  return code === 0 && /(^|\/)nats-server$/.test(stdout.trim());
}
