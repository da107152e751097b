import type { Command } from "commander";
import { z } from "zod";
import { busDirectory } from "../../bus/bus-directory.ts";
import { prepareRegion, readRegion } from "../../bus/prepare-bus.ts";
import { reloadServer } from "../../bus/reload-server.ts";
import { type Regions, readRegions } from "../../failover/regions.ts";
import { requireOneWriter } from "../../failover/require-one-writer.ts";
import { viewHome } from "../../failover/view-home.ts";
import { operatorOf } from "../../region/operator-user.ts";
import type { Region } from "../../region/region-config.ts";
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

It opens only where both regions answer and no two of them take events of that home.

${WHERE}`,
    examples: [
      "npx sluice region link close --home eu --dir /etc/nats --pid-file /run/nats-server.pid",
      "npx sluice region link open --home eu --dir /etc/nats --pid-file /run/nats-server.pid",
    ],
  }).argument("<what>", "open or close");
  return withLinkPlaces(command).action(async (what: string, given: unknown) => {
    if (what !== "open" && what !== "close") throw new UsageError("say open or close");
    const places = readOptions(linkPlacesSchema, given);
    const link = await findLink(places, terminal.env);
    const { home } = link;
    if (what === "open") {
      const regions = readRegions(terminal.env);
      requireEnds(link, regions);
      await using owner = new AsyncDisposableStack();
      requireOneWriter(await viewHome(regions, owner));
    }
    const isReloaded = await setLink(link, what === "open", places);
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
 * Closes the link of the home that SLUICE_REGIONS leads to in this machine's server, which must run and be the only one of the region.
 * @throws {ScriptError} where it cannot be told, or is another region's; where it is the link of another home, nothing is changed.
 */
export async function closeLink(places: LinkPlaces, region: string, { env }: Pick<Terminal, "env">): Promise<void> {
  const link = await findLink(places, env);
  if (link.region.name !== region) {
    throw new ScriptError(
      `the configuration in ${link.directory} is of region ${link.region.name}, and not of ${region}: do it on a server of region ${region}`,
    );
  }
  requireEnds(link, readRegions(env));
  if (await setLink(link, false, places)) return;
  throw new ScriptError(
    "the link is closed in the configuration, and no server was told: reload each server of the region, then say --link-closed",
  );
}

/** A home's link in the configuration of this machine's server. */
interface Link {
  readonly directory: string;
  readonly region: Region;
  readonly home: string;
}

async function findLink({ home, dir }: LinkPlaces, env: NodeJS.ProcessEnv): Promise<Link> {
  if (home === undefined)
    throw new UsageError("--home names the home whose link it is: the region in which it was made");
  const directory = busDirectory(dir, env);
  const region = await readRegion(directory);
  if (region === undefined)
    throw new ScriptError(`there is no region in ${directory}: sluice region config writes one`);
  const homes = [region.name, ...region.homes.map(({ name }) => name)];
  if (!homes.includes(home))
    throw new ScriptError(`region ${region.name} holds the homes ${homes.join(", ")}, and not ${home}`);
  return { directory, region, home };
}

/** Has SLUICE_REGIONS lead to that home in each region that the link connects: of another home it would be asked who takes events. */
function requireEnds({ region, home }: Link, regions: Regions): void {
  const others = home === region.name ? region.peers.map((peer) => peer.region) : [home];
  for (const end of [region.name, ...others]) {
    const [found, user] = [regions.get(end)?.user, operatorOf(home, end)];
    if (found === user) continue;
    const said = regions.has(end) ? `comes to region ${end} as ${found}` : `does not say where region ${end} is`;
    throw new ScriptError(`SLUICE_REGIONS ${said}; of home ${home} it is ${end}=nats://${user}:…: nothing was changed`);
  }
}

/** Answers whether the server was told. */
async function setLink(
  { directory, region, home }: Link,
  isOpen: boolean,
  { pidFile = "" }: LinkPlaces,
): Promise<boolean> {
  const closed = new Set(region.closed);
  if (isOpen) closed.delete(home);
  else closed.add(home);
  await prepareRegion(directory, { ...region, closed: [...closed] });
  return await reloadServer(pidFile);
}
