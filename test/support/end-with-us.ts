import { type ChildProcess, spawn } from "node:child_process";

/**
 * The shell's `read` fails when this process is gone in any way: the pipe is closed then. A child of `npm start` has
 * children of its own, and ends them on SIGTERM; a child that is stopped does not react to it.
 */
const WATCH = 'read -r _ || { kill "$0"; sleep 3; kill -9 "$0"; }';

/** Ends the child when this process ends without having done so, as when the runner is killed. */
export function endWithUs(child: ChildProcess): void {
  if (child.pid === undefined) return;
  // A process group of its own: a signal to our whole group must not kill the watch.
  const watch = spawn("sh", ["-c", WATCH, String(child.pid)], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  watch.on("error", () => {});
  watch.stdin.on("error", () => {});
  watch.unref();
  child.once("exit", () => watch.stdin.end("it is gone\n"));
}
