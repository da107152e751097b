import { resolve } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { rejoinHome } from "../../failover/rejoin-home.ts";
import { readRegions } from "../../failover/regions.ts";
import { viewHome } from "../../failover/view-home.ts";
import { createCommand, readOptions, type Terminal } from "../../shared/command.ts";
import { confirm } from "../../shared/confirm.ts";
import { BY, personOf, tellSteps, WHERE } from "./tell-steps.ts";

const optionsSchema = z.object({
  out: z.string().min(1, "must name a folder"),
  by: z.string().min(1).max(256).optional(),
  yes: z.boolean().default(false),
});

/** `sluice region rejoin`: makes a region that had the seat before one that mirrors it. */
export function rejoinCommand(terminal: Terminal): Command {
  return createCommand("rejoin", {
    summary: "have a region that had the seat before give it up and become a mirror",
    description: `For a region that had a home's seat before another was promoted. Closes what takes anything there, writes what only this region had into files, for whoever must look after it, and deletes its originals; auth and policy of the home there make mirrors in their place. Only the owner may read the files: payloads stand in them. Private keys and producers' secrets are left out.

${WHERE}`,
    examples: ["npx sluice region rejoin eu --out tails-of-eu --yes"],
  })
    .argument("<region>", "the region that had the seat before")
    .requiredOption("--out <folder>", "where the entries are written that only this region has")
    .option("--by <name>", BY)
    .option("--yes", "do not ask for confirmation")
    .action(async (region: string, given: unknown) => {
      const { out, by, yes } = readOptions(optionsSchema, given);
      const folder = resolve(out);
      const regions = readRegions(terminal.env);
      terminal.warn(`deletes the home's originals in region ${region}; what only they have is written to ${folder}`);
      if (!yes) await confirm(region, "nothing was deleted", terminal, { of: "region" });
      await using owner = new AsyncDisposableStack();
      const views = await viewHome(regions, owner);
      const tell = tellSteps(terminal);
      const result = await rejoinHome(views, { region, folder, by: personOf(by, terminal.env), tell });
      const entries = result.tails.reduce((sum, tail) => sum + tail.entries, 0);
      const said =
        result.deleted.length === 0
          ? `region ${region} has no originals: nothing was deleted`
          : `region ${region} gave the home up to ${result.seat}; ${entries} entries that only it had are in ${folder}`;
      terminal.print(result, said);
    });
}
