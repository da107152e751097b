import { setTimeout as delay } from "node:timers/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { type Admission, admitHome } from "../../failover/admit-home.ts";
import { startClosedServer } from "../../failover/closed-server.ts";
import { openRegion } from "../../failover/region-bus.ts";
import { type Regions, readRegions } from "../../failover/regions.ts";
import { viewHome } from "../../failover/view-home.ts";
import { createCommand, readOptions, type Terminal } from "../../shared/command.ts";
import { ScriptError, UsageError } from "../../shared/run-script.ts";
import { untilInterrupted } from "../../shared/until-interrupted.ts";
import { tellSteps, WHERE } from "./tell-steps.ts";

const PORT = "must be a port, 1 to 65535";
const SECONDS = "takes a number of seconds";
const AGAIN_MS = 1_000;

const optionsSchema = z.object({
  config: z.string().optional(),
  store: z.string().optional(),
  port: z.coerce.number(PORT).pipe(z.int(PORT).min(1, PORT).max(65_535, PORT)),
  notPromoted: z.string().optional(),
  seconds: z.coerce.number(SECONDS).pipe(z.number(SECONDS).min(0, SECONDS)).optional(),
  watch: z.boolean().default(false),
});
type AdmitOptions = z.infer<typeof optionsSchema>;

/** `sluice region admit`: says whether a region's servers may open. */
export function admitCommand(terminal: Terminal): Command {
  return createCommand("admit", {
    summary: "before a region's servers open: ask whether another region has taken over",
    description: `A step before nats-server starts, each time. It starts the server closed: for clients of this machine alone, and without links. It asks the other regions whether one has taken the home over. If so, it fences the originals here, so that nothing is ever taken twice. Then it ends the closed server and itself with 0, and the real one may start. As long as another region does not answer nobody can know: it goes on asking, and the servers stay closed. Of several servers of a region each begins so, and each waits until most of them run. Your word that the region has not been given up opens them: --not-promoted.

With --watch it starts no server, and asks each second: a region that was cut off, and not stopped, is fenced as soon as the other can be reached.

${WHERE}`,
    examples: [
      "npx sluice region admit eu --config /etc/nats/nats.conf --store /data",
      "npx sluice region admit eu --watch",
    ],
  })
    .argument("<region>", "the region that this server is of")
    .option("--config <file>", "the server's configuration")
    .option("--store <folder>", "the server's store, where the configuration does not say it")
    .option("--port <n>", "the port of the closed server", "14222")
    .option("--not-promoted <region>", "your word that this other region has not taken over, where it does not answer")
    .option("--seconds <n>", "end with 1 where nobody answers for so long; else it goes on asking")
    .option("--watch", "ask a server that runs, each second, until Ctrl-C")
    .action(async (region: string, given: unknown) => {
      const options = readOptions(optionsSchema, given);
      const regions = readRegions(terminal.env);
      const { notPromoted = "" } = options;
      for (const each of notPromoted === "" ? [region] : [region, notPromoted]) {
        if (!regions.has(each)) throw new UsageError(`there is no region ${each} in SLUICE_REGIONS`);
      }
      // It ends the closed server, whose store the real one is to open.
      const stop = untilInterrupted();
      if (options.watch) return watch(region, regions, terminal, stop);
      if (options.config === undefined) throw new UsageError("--config names the server's configuration");
      const config = resolve(options.config);
      const args = options.store === undefined ? [] : ["-sd", options.store];
      await using server = await startClosedServer({ config, args, port: options.port, env: terminal.env, stop });
      await admit(region, closedHere(regions, region, server.port), options, { ...terminal, stop });
    });
}

/** The closed server is the region for this command. */
function closedHere(regions: Regions, region: string, port: number): Regions {
  const here = regions.get(region);
  if (here === undefined) return regions;
  return new Map([...regions, [region, { ...here, servers: [{ host: "127.0.0.1", port }] }]]);
}

async function admit(
  region: string,
  regions: Regions,
  options: AdmitOptions,
  terminal: Terminal & { readonly stop: AbortSignal },
): Promise<void> {
  const { stop } = terminal;
  const { notPromoted, seconds = Number.POSITIVE_INFINITY } = options;
  const giveUp = performance.now() + seconds * 1_000;
  await requireRightServer(region, regions);
  for (let before = ""; ;) {
    const admission = await ask(region, regions, terminal).catch(faultOf);
    if (typeof admission !== "string" && admission.answer !== "unknown") return print(region, admission, terminal);
    if (typeof admission !== "string" && notPromoted === admission.silent) {
      const because = `region ${notPromoted} has not taken over, by your word`;
      return print(region, { answer: "open", because }, terminal);
    }
    const said =
      typeof admission === "string"
        ? `${admission}; of several servers most must run, closed or open. Region ${region} stays closed`
        : `${admission.because}. Nobody can say that it has not taken over: region ${region} stays closed`;
    if (performance.now() > giveUp || stop.aborted) throw new ScriptError(said);
    if (said !== before) terminal.warn(said);
    before = said;
    await delay(AGAIN_MS, undefined, { signal: stop }).catch(() => undefined);
  }
}

/** What no waiting mends is told at once: another user, or the server of another region. */
async function requireRightServer(region: string, regions: Regions): Promise<void> {
  const urls = regions.get(region);
  if (urls === undefined) return;
  await using _ = await openRegion(region, urls);
}

/** Three servers that start together have no leader for some seconds, and a single one of them has none. */
function faultOf(error: unknown): string {
  if (error instanceof ScriptError) return error.message;
  throw error;
}

async function watch(region: string, regions: Regions, terminal: Terminal, stop: AbortSignal): Promise<void> {
  let before = "";
  while (!stop.aborted) {
    const said = await ask(region, regions, terminal).catch(faultOf);
    const text = typeof said === "string" ? said : said.answer;
    if (text !== before) {
      if (typeof said === "string") terminal.warn(said);
      else print(region, said, terminal);
    }
    before = text;
    await delay(AGAIN_MS, undefined, { signal: stop }).catch(() => undefined);
  }
}

async function ask(region: string, regions: Regions, terminal: Terminal): Promise<Admission> {
  await using owner = new AsyncDisposableStack();
  return await admitHome(await viewHome(regions, owner), { region, by: "region admit", tell: tellSteps(terminal) });
}

function print(region: string, admission: Admission, { print: say }: Terminal): void {
  const text =
    admission.answer === "fenced"
      ? `region ${admission.by} has taken over (term ${admission.term}): the home is fenced in region ${region}. sluice region rejoin ${region} makes it a mirror`
      : `region ${region}: ${admission.because}`;
  say({ region, ...admission }, text);
}
