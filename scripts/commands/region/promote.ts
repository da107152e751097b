import type { Command } from "commander";
import { z } from "zod";
import { promoteHome } from "../../failover/promote-home.ts";
import { readRegions } from "../../failover/regions.ts";
import { viewHome } from "../../failover/view-home.ts";
import { createCommand, readOptions, type Terminal } from "../../shared/command.ts";
import { confirm } from "../../shared/confirm.ts";
import { ScriptError, UsageError } from "../../shared/run-script.ts";
import { closeLink, linkPlacesSchema, withLinkPlaces } from "./link.ts";
import { BY, personOf, tellSteps, WHERE } from "./tell-steps.ts";

const SECONDS = "takes a number of seconds from 1 to 3600";

const optionsSchema = linkPlacesSchema.extend({
  lost: z.string().optional(),
  confirm: z.string().optional(),
  linkClosed: z.boolean().default(false),
  seconds: z.coerce.number(SECONDS).pipe(z.number(SECONDS).min(1, SECONDS).max(3_600, SECONDS)),
  by: z.string().min(1).max(256).optional(),
});

/** `sluice region promote`: gives a home's seat to another region. */
export function promoteCommand(terminal: Terminal): Command {
  const command = createCommand("promote", {
    summary: "give a home's seat to another region",
    description: `Makes the mirrors of a home in a region its originals. The old region is fenced first, and every mirror has all of it before the first is promoted: nothing is lost, and clients notice nothing but that publishing stands still meanwhile. Do it again where it broke off: it goes on.

With --lost the old region is not asked: its servers are stopped, by your word. What its mirrors had not is lost to all clients, and clients whose position may be among it are told reset. If its servers run and only cannot be reached, both regions take events until they see each other: stop them first. Its link is closed before anything is promoted: here, where the configuration of this region's server is in --dir; on more than one server do sluice region link close on each, then say --link-closed.

${WHERE}`,
    examples: ["npx sluice region promote us", "npx sluice region promote us --lost eu --home eu --confirm eu"],
  })
    .argument("<region>", "the region that takes over")
    .option("--lost <region>", "the region whose servers are stopped")
    .option("--confirm <region>", "with --lost: its name once more, where nobody can be asked")
    .option("--link-closed", "with --lost: the link was closed on each server of the region")
    .option("--seconds <n>", "how long to wait for mirrors to have all", "60")
    .option("--by <name>", BY);
  return withLinkPlaces(command).action(async (to: string, given: unknown) => {
    const options = readOptions(optionsSchema, given);
    const { lost, by } = options;
    if (lost === to) throw new UsageError(`--lost names the region that is promoted`);
    const regions = readRegions(terminal.env);
    if (lost !== undefined) await haveConfirmed(lost, options.confirm, terminal);
    // Whoever is asked takes their time, and the region may be back by then.
    await using owner = new AsyncDisposableStack();
    const views = await viewHome(regions, owner);
    const result = await promoteHome(views, {
      to,
      lost,
      by: personOf(by, terminal.env),
      levelMs: options.seconds * 1_000,
      tell: tellSteps(terminal),
      closeLink: async () => {
        if (!options.linkClosed) await closeLink(options, to, terminal);
      },
    });
    const loss = result.isLossless ? "nothing was lost" : `what only region ${result.from} had is not there`;
    const said = result.promoted.length === 0 ? "has the seat already" : `has the seat; ${loss}`;
    terminal.print(result, `region ${to} ${said} (term ${result.term})`);
  });
}

async function haveConfirmed(lost: string, given: string | undefined, terminal: Terminal): Promise<void> {
  terminal.warn(
    `Are all servers of region ${lost} stopped? If one runs and only cannot be reached, both regions take events, in two orders.`,
  );
  if (given === undefined) {
    await confirm(lost, "nothing was promoted", terminal, { of: "lost region", option: `--confirm ${lost}` });
  } else if (given !== lost)
    throw new ScriptError(`--confirm names ${given}, and --lost ${lost}: nothing was promoted`);
}
