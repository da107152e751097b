import { fileURLToPath } from "node:url";
import { runCommand } from "../../../scripts/shared/run-command.ts";
import { type Fault, seconds } from "../fault.ts";
import type { World } from "../world.ts";

const SLUICE = fileURLToPath(new URL("../../../scripts/sluice.ts", import.meta.url));

/** The key that signs is replaced in its turn. */
export const rotateKeys: Fault = {
  name: "rotation of the signing key",
  weight: 1,
  hits: "auth",
  recoversWithinMs: 15_000,
  goesUnnoticed: true,
  async begin({ world, random }) {
    const lastsMs = seconds(random, 3, 15);
    await runKeys(world, "rotate");
    return { target: "auth", lastsMs, end: async () => {} };
  },
};

/** The key that signs is withdrawn as compromised: its streams end, and people are back after a refresh. */
export const withdrawKey: Fault = {
  name: "withdrawal of the signing key",
  weight: 1,
  hits: "auth",
  // A client has a token of the old key until it refreshes.
  recoversWithinMs: 40_000,
  async begin({ world }) {
    const kid = /^(\S+) +\S+ +signing/m.exec(await runKeys(world, "list"))?.[1];
    if (kid === undefined) throw new Error("no key signs");
    await runKeys(world, "withdraw", kid);
    return { target: "auth", lastsMs: 2_000, end: async () => {} };
  },
};

async function runKeys(world: World, ...args: readonly string[]): Promise<string> {
  const env = { NATS_URL: world.natsUrl("auth"), NATS_REPLICAS: "3" };
  const { code, stdout, stderr } = await runCommand(process.execPath, [SLUICE, "keys", ...args], { env });
  if (code !== 0) throw new Error(`sluice keys ${args[0]}: ${stderr}`);
  return stdout;
}
