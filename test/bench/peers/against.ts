import { ScriptError } from "../../../scripts/shared/run-script.ts";
import { fanOutLoad } from "../loads/fan-out.ts";
import { floodLoad } from "../loads/flood.ts";
import { handshakesLoad } from "../loads/handshakes.ts";
import type { Load } from "../loads/load.ts";
import { noisyNeighbourLoad } from "../loads/noisy-neighbour.ts";
import { reconnectStormLoad } from "../loads/reconnect-storm.ts";
import { slowReadersLoad } from "../loads/slow-readers.ts";
import type { Bench, Figure } from "../scenario.ts";
import { centrifugo } from "./centrifugo.ts";
import type { Entrant, Peer } from "./contender.ts";
import { mercure } from "./mercure.ts";
import { nchan } from "./nchan.ts";
import { createOurs } from "./ours.ts";
import { formatRows, type Measured, type Row, sideBySide } from "./side-by-side.ts";

const PEERS: readonly Peer[] = [mercure, centrifugo, nchan];

const LOADS: readonly Load[] = [
  handshakesLoad,
  fanOutLoad,
  reconnectStormLoad,
  slowReadersLoad,
  noisyNeighbourLoad,
  floodLoad,
];

const ROUNDS = 3;

/** The names of the peers, as `--against` takes them. */
export const PEER_NAMES: readonly string[] = PEERS.map(({ name }) => name);

/** What was found under one load. */
export interface Comparison {
  readonly load: string;
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

/** The loads of these names, or all. */
export function findLoads(names: readonly string[]): readonly Load[] {
  const unknown = names.find((name) => LOADS.every((load) => load.name !== name));
  if (unknown !== undefined)
    throw new ScriptError(
      `others cannot be put under ${unknown}, only under ${LOADS.map(({ name }) => name).join(", ")}`,
    );
  return LOADS.filter(({ name }) => names.length === 0 || names.includes(name));
}

/** Puts us and the peers under each load, in turns, so that what else the machine does hits all alike. */
export async function compare(bench: Bench, loads: readonly Load[], peers: readonly Entrant[]): Promise<Comparison[]> {
  if (bench.programs.language !== "C")
    throw new ScriptError("a comparison with others needs a C compiler (cc) for its load");
  const entrants = [await createOurs(bench), ...peers];
  const servers = entrants.map(({ name }) => name);
  const comparisons: Comparison[] = [];
  for (const load of loads) {
    bench.say(`\n${load.name}: ${load.about}`);
    const measured = await measureInTurns(bench, entrants, load);
    const rows = sideBySide(measured);
    bench.say(formatRows(servers, rows));
    comparisons.push({ load: load.name, servers, rows, measured });
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
