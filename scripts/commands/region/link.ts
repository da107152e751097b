import type { Command } from "commander";
import { z } from "zod";
import { busDirectory } from "../../bus/bus-directory.ts";
import { prepareRegion, readRegion } from "../../bus/prepare-bus.ts";
import { reloadServer } from "../../bus/reload-server.ts";
import { readRegions } from "../../failover/regions.ts";
import { requireOneWriter } from "../../failover/require-one-writer.ts";
import { viewHome } from "../../failover/view-home.ts";
import { createCommand, readOptions, type Terminal } from "../../shared/command.ts";
import { ScriptError, UsageError } from "../../shared/run-script.ts";
import { WHERE } from "./tell-steps.ts";

/** Where the server of this machine has its configuration, and the home whose link is meant. */
export const linkPlacesSchema = z.object({
  home: z.string().optional(),
  dir: z.string().optional(),
  pidFile: z.string().optional(),
});
export type LinkPlaces = z.infer<typeof linkPlacesSchema>;

const RELOAD_IT = "nats-server takes it up when it starts, or is told to: nats-server --signal reload=<pid>";

/** `sluice region link`: opens and closes the link of a home in a region. */
export function linkCommand(terminal: Terminal): Command {
  const command = createCommand("link", {
    summary: "close the link of a home in this region, or open it again",
    description: `Changes the configuration of this machine's nats-server, and has it read it. With the link of a home closed nothing of it passes between the regions: after a promotion with --lost it stays closed until the lost region is fenced, so that no event is ever taken by both. Do it on each server of the region.

It opens only where every region answers and no two of them take events.

${WHERE}`,
    examples: [
      "npx sluice region link close --home eu --dir /etc/nats --pid-file /run/nats-server.pid",
      "npx sluice region link open --home eu --dir /etc/nats --pid-file /run/nats-server.pid",
    ],
  }).argument("<what>", "open or close");
  return withLinkPlaces(command).action(async (what: string, given: unknown) => {
    if (what !== "open" && what !== "close") throw new UsageError("say open or close");
    const places = readOptions(linkPlacesSchema, given);
    if (what === "open") {
      await using owner = new AsyncDisposableStack();
      requireOneWriter(await viewHome(readRegions(terminal.env), owner));
    }
    const { home, isReloaded } = await setLink(places, what === "open", terminal.env);
    const said = `the link of home ${home} is ${what === "open" ? "open" : "closed"}`;
    terminal.print({ home, link: what, isReloaded }, isReloaded ? said : `${said} in the configuration. ${RELOAD_IT}`);
  });
}

/** Adds the options that name the server's configuration. */
export function withLinkPlaces(command: Command): Command {
  return command
    .option("--home <name>", "the home: the region in which it was made")
    .option("--dir <folder>", "where this server's nats.conf is; else SLUICE_BUS_DIR, else that of npm start")
    .option("--pid-file <file>", "the process id file of the nats-server to reload");
}

/**
 * Closes the link of a home in this machine's server, which must run and be the region's only one.
 * @throws {ScriptError} where it cannot be told.
 */
export async function closeLink(places: LinkPlaces, { env }: Pick<Terminal, "env">): Promise<void> {
  if ((await setLink(places, false, env)).isReloaded) return;
  throw new ScriptError(
    "the link is closed in the configuration, and no server was told: reload each server of the region, then say --link-closed",
  );
}

async function setLink(
  { home, dir, pidFile = "" }: LinkPlaces,
  isOpen: boolean,
  env: NodeJS.ProcessEnv,
): Promise<{ home: string; isReloaded: boolean }> {
  if (home === undefined)
    throw new UsageError("--home names the home whose link it is: the region in which it was made");
  const directory = busDirectory(dir, env);
  const region = await readRegion(directory);
  if (region === undefined)
    throw new ScriptError(`there is no region in ${directory}: sluice region config writes one`);
  const homes = [region.name, ...region.homes.map(({ name }) => name)];
  if (!homes.includes(home))
    throw new ScriptError(`region ${region.name} holds the homes ${homes.join(", ")}, and not ${home}`);
  const closed = new Set(region.closed);
  if (isOpen) closed.delete(home);
  else closed.add(home);
  await prepareRegion(directory, { ...region, closed: [...closed] });
  return { home, isReloaded: await reloadServer(pidFile) };
}
