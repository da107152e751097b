import type { Command } from "commander";
import { z } from "zod";
import { fenceSeat } from "../../failover/fence-home.ts";
import { readRegions } from "../../failover/regions.ts";
import { viewHome } from "../../failover/view-home.ts";
import { createCommand, readOptions, type Terminal } from "../../shared/command.ts";
import { confirm } from "../../shared/confirm.ts";
import { BY, personOf, tellSteps, WHERE } from "./tell-steps.ts";

const optionsSchema = z.object({ by: z.string().min(1).max(256).optional(), yes: z.boolean().default(false) });

/** `sluice region fence`: has a home take nothing any more in a region. */
export function fenceCommand(terminal: Terminal): Command {
  return createCommand("fence", {
    summary: "have a home take nothing any more in its region, for good",
    description: `Has a home's logs and buckets in a region take nothing any more, and ends once none of them does: events are refused, logins and changes of policy fail. Nothing opens them again: the home goes on where it is promoted. promote fences by itself; this command is for a home that must stop before somebody promotes, and for one of two regions that both take events by equal terms: rejoin makes it a mirror then.

${WHERE}`,
    examples: ["npx sluice region fence eu --yes"],
  })
    .argument("<region>", "the region whose originals are closed")
    .option("--by <name>", BY)
    .option("--yes", "do not ask for confirmation")
    .action(async (region: string, given: unknown) => {
      const { by, yes } = readOptions(optionsSchema, given);
      const regions = readRegions(terminal.env);
      terminal.warn(`closes the home for good in region ${region}: nothing is taken until another is promoted`);
      if (!yes) await confirm(region, "nothing was fenced", terminal, { of: "region" });
      await using owner = new AsyncDisposableStack();
      const views = await viewHome(regions, owner);
      const tell = tellSteps(terminal);
      const { term, fenced } = await fenceSeat(views, region, { by: personOf(by, terminal.env), tell });
      const said = fenced.length === 0 ? "was fenced already" : `is fenced: ${fenced.length} streams take nothing`;
      terminal.print({ region, term, fenced }, `region ${region} ${said} (term ${term})`);
    });
}
