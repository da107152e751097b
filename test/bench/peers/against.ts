import { ScriptError } from "../../../scripts/shared/run-script.ts";
import type { Bench, Figure, Load, Scenario } from "../scenario.ts";
import { centrifugo } from "./centrifugo.ts";
import type { Entrant, Peer } from "./contender.ts";
import { mercure } from "./mercure.ts";
import { nchan } from "./nchan.ts";
import { createOurs } from "./ours.ts";
import { formatRows, type Measured, type Row, sideBySide } from "./side-by-side.ts";

const PEERS: readonly Peer[] = [mercure, centrifugo, nchan];

const ROUNDS = 3;

/** The names of the peers, as `--against` takes them. */
export const PEER_NAMES: readonly string[] = PEERS.map(({ name }) => name);

/** What was found of one scenario. */
export interface Comparison {
  readonly scenario: string;
  readonly servers: readonly string[];
  readonly rows: readonly Row[];
  readonly measured: readonly Measured[];
}

/** The peers of these names that are on this machine; says how to get the others. */
export async function findPeers(names: readonly string[], say: (line: string) => void): Promise<Entrant[]> {
  const unknown = names.find((name) => !PEER_NAMES.includes(name));
  if (unknown !== undefined) throw new ScriptError(`there is no peer ${unknown}: ${PEER_NAMES.join(", ")}`);
  const found: Entrant[] = [];
  for (const peer of PEERS.filter(({ name }) => names.includes(name))) {
    const entrant = await peer.find(process.env["PATH"] ?? "");
    if (entrant === undefined) say(`${peer.name} is left out: its program is not on PATH (${peer.install})`);
    else found.push(entrant);
  }
  return found;
}

/** Puts us and the peers under the load of each scenario, in turns, so that what else the machine does hits all alike. */
export async function compare(
  bench: Bench,
  scenarios: readonly Scenario[],
  peers: readonly Entrant[],
): Promise<Comparison[]> {
  if (bench.programs.language !== "C")
    throw new ScriptError("a comparison with others needs a C compiler (cc) for its load");
  const entrants = [await createOurs(bench), ...peers];
  const servers = entrants.map(({ name }) => name);
  const comparisons: Comparison[] = [];
  for (const { name, against } of scenarios) {
    if (against === undefined) continue;
    bench.say(`\n${name}: ${against.about}`);
    const measured = await measureInTurns(bench, entrants, against);
    const rows = sideBySide(measured);
    bench.say(formatRows(servers, rows));
    comparisons.push({ scenario: name, servers, rows, measured });
  }
  return comparisons;
}

async function measureInTurns({ programs }: Bench, entrants: readonly Entrant[], load: Load): Promise<Measured[]> {
  const measured = entrants.map(({ name }) => ({ name, rounds: [] as (readonly Figure[])[] }));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [index, entrant] of entrants.entries()) measured[index]?.rounds.push(await load.run(entrant, programs));
  }
  return measured;
}
