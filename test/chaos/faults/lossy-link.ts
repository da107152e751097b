import { spawnSync } from "node:child_process";
import { runCommand } from "../../../scripts/shared/run-command.ts";
import { choose, type Fault, seconds } from "../fault.ts";

/** Set where the run has a network of its own: rules there end with the run, and hit nobody else. */
export const OWN_NETWORK_VARIABLE = "SLUICE_CHAOS_OWN_NETWORK";

/** A share of the packets of a link is dropped, in both directions, as a bad cable does. */
export const lossyLink: Fault = {
  name: "loss of 2 % of the packets of a link",
  weight: 1,
  hits: "broker",
  recoversWithinMs: 15_000,
  missing: () => {
    if (process.env[OWN_NETWORK_VARIABLE] === undefined) return "the run has no network of its own";
    return spawnSync("iptables", ["-L"]).status === 0 ? undefined : "iptables may not be used";
  },
  async begin({ world, random }) {
    const link = choose(random, world.links);
    const lastsMs = seconds(random, 5, 20);
    await changeLoss("-A", link.ports, 0.02);
    return { target: link.name, lastsMs, end: () => changeLoss("-D", link.ports, 0.02) };
  },
};

/** Has a share of the packets from and to these ports dropped, or ends that: it takes a network of one's own. */
export async function changeLoss(verb: "-A" | "-D", ports: readonly number[], share: number): Promise<void> {
  for (const [direction, port] of ports.flatMap((each) => [["--dport", each] as const, ["--sport", each] as const])) {
    const chance = ["-m", "statistic", "--mode", "random", "--probability", String(share)];
    const rule = ["INPUT", "-p", "tcp", direction, String(port), ...chance, "-j", "DROP"];
    const { code, stderr } = await runCommand("iptables", [verb, ...rule]);
    if (code !== 0) throw new Error(`iptables: ${stderr}`);
  }
}
