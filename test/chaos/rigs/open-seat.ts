import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { operatorUrls } from "#test/support/region-settings.ts";
import { sluice } from "#test/support/run-sluice.ts";
import type { RegionName } from "#test/support/start-region-servers.ts";
import { becomesReady, type Regions } from "#test/support/start-regions.ts";
import { startTcpProxy } from "#test/support/tcp-proxy.ts";
import { type Home, type Process, processNamed } from "../world.ts";

/** Where the home of two regions is written. */
export interface Seat {
  readonly home: Home;
  region(): RegionName;
  /** They lead to whichever region it is. */
  readonly authUrl: string;
  readonly policyUrl: string;
}

/** Has names lead to where the home is written, and commands move it; `stack` ends the names. */
export async function openSeat(
  regions: Regions,
  processes: readonly Process[],
  stack: AsyncDisposableStack,
): Promise<Seat> {
  let region: RegionName = "eu";
  const { eu: home } = regions;
  const auth = stack.use(await startTcpProxy(home.eu.ports.auth.http));
  const policy = stack.use(await startTcpProxy(home.eu.ports.policy.http));
  const command = async (...args: readonly string[]): Promise<void> => {
    const env = { SLUICE_REGIONS: operatorUrls(regions).join(" ") };
    const { code, err } = await sluice(["region", ...args], { env });
    if (code !== 0) throw new Error(`sluice region ${args.join(" ")}: ${err.join("; ")}`);
  };
  const otherOf = (): RegionName => (region === "eu" ? "us" : "eu");
  const movable: Home = {
    async promote() {
      await command("promote", otherOf());
      const left = region;
      region = otherOf();
      auth.lead(home[region].ports.auth.http);
      policy.lead(home[region].ports.policy.http);
      // Those that have served end, and their supervisor starts them.
      for (const service of ["auth", "policy"]) await processNamed({ processes }, `${service}-${left}`).restart();
      await Promise.all([becomesReady(home[region].ports.auth), becomesReady(home[region].ports.policy)]);
      return region;
    },
    async rejoin() {
      const folder = await mkdtemp(join(tmpdir(), "sluice-tails-"));
      await command("rejoin", otherOf(), "--out", folder, "--yes");
      await rm(folder, { recursive: true });
    },
  };
  return {
    home: movable,
    region: () => region,
    authUrl: `http://127.0.0.1:${auth.port}`,
    policyUrl: `http://127.0.0.1:${policy.port}`,
  };
}
