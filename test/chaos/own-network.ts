import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { OWN_NETWORK_VARIABLE } from "./faults/lossy-link.ts";

/**
 * Runs this program again in a network, and with mounts, of its own, where the system allows that, and ends with its exit code: what
 * the faults do to network and disks ends with the run, and hits nothing else on this machine. Elsewhere it answers, and those
 * faults are left out.
 */
export async function enterOwnNetwork(): Promise<void> {
  if (process.env[OWN_NETWORK_VARIABLE] !== undefined) return;
  const apart = ["--net", "--mount", ...(process.getuid?.() === 0 ? [] : ["--map-root-user"])];
  if (spawnSync("unshare", [...apart, "ip", "link", "set", "lo", "up"]).status !== 0) return;
  const program = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const child = spawn("unshare", [...apart, "sh", "-c", 'ip link set lo up && exec "$@"', "sh", ...program], {
    stdio: "inherit",
    env: { ...process.env, [OWN_NETWORK_VARIABLE]: "1" },
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
  const [code] = await once(child, "exit");
  process.exit((code as number | null) ?? 1);
}
