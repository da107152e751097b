import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { runScript, say, ScriptError } from "../../scripts/shared/run-script.ts";
import { print } from "#test/support/run-arguments.ts";
import { machineName, openBench, provisionBench } from "./open-bench.ts";
import { compare, findLoads, findPeers, PEER_NAMES } from "./peers/against.ts";
import { policyScenarios } from "./policy/scenarios.ts";
import type { Bench, Figure, Scenario } from "./scenario.ts";
import { besideTheBus } from "./scenarios/beside-the-bus.ts";
import { compression } from "./scenarios/compression.ts";
import { drain } from "./scenarios/drain.ts";
import { durable } from "./scenarios/durable.ts";
import { dynamic } from "./scenarios/dynamic.ts";
import { fanOut } from "./scenarios/fan-out.ts";
import { flood } from "./scenarios/flood.ts";
import { handOver } from "./scenarios/hand-over.ts";
import { handshakes } from "./scenarios/handshakes.ts";
import { historyReads } from "./scenarios/history-reads.ts";
import { idleMemory } from "./scenarios/idle-memory.ts";
import { ingest } from "./scenarios/ingest.ts";
import { largeAudience } from "./scenarios/large-audience.ts";
import { largestPolicy } from "./scenarios/largest-policy.ts";
import { largestInputs } from "./scenarios/largest-inputs.ts";
import { latency } from "./scenarios/latency.ts";
import { manyTopics } from "./scenarios/many-topics.ts";
import { mixedTenants } from "./scenarios/mixed-tenants.ts";
import { noisyNeighbour } from "./scenarios/noisy-neighbour.ts";
import { presence } from "./scenarios/presence.ts";
import { publish } from "./scenarios/publish.ts";
import { reconnectStorm } from "./scenarios/reconnect-storm.ts";
import { refusedCrowd } from "./scenarios/refused-crowd.ts";
import { roads } from "./scenarios/roads.ts";
import { slowReaders } from "./scenarios/slow-readers.ts";
import { tracing } from "./scenarios/tracing.ts";
import { webhooks } from "./scenarios/webhooks.ts";
import { tailMemory } from "./scenarios/tail-memory.ts";

const SCENARIOS: readonly Scenario[] = [
  fanOut,
  roads,
  latency,
  slowReaders,
  manyTopics,
  dynamic,
  durable,
  webhooks,
  mixedTenants,
  noisyNeighbour,
  largeAudience,
  ingest,
  publish,
  largestPolicy,
  idleMemory,
  besideTheBus,
  handshakes,
  compression,
  reconnectStorm,
  drain,
  refusedCrowd,
  handOver,
  flood,
  tailMemory,
  tracing,
  historyReads,
  largestInputs,
  presence,
  ...policyScenarios,
];

const USAGE = `npm run bench [-- <scenario> …] [--against <peer>] [--json <file>] [--list]

Measures on real servers of its own and prints each figure beside one of the same run to compare with.

  <scenario> …      only these; all of them by default
  --against <peer>  puts us and another server under the same loads: ${PEER_NAMES.join(", ")}; may be given more than once
  --json <file>     also writes the figures to this file
  --list            says what there is to measure
  --help            says this
`;

// `npm run bench`: measures on real servers and prints what it found, each figure beside one of the same run to compare with.
await runScript(async () => {
  const { values, positionals } = readArguments();
  if (values.help === true) return print(USAGE);
  if (values.list === true) return print(SCENARIOS.map(({ name, about }) => `${name.padEnd(16)} ${about}\n`).join(""));
  const measure = values.against === undefined ? choose(positionals) : await against(values.against, positionals);
  await provisionBench();
  const results = await runAll(measure);
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(results, undefined, 2)}\n`);
  return 0;
});

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        against: { type: "string", multiple: true },
        json: { type: "string" },
        list: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw new ScriptError(`${(error as Error).message}\n\n${USAGE}`);
  }
}

type Measure = (bench: Bench) => Promise<readonly object[]>;

function choose(names: readonly string[]): Measure {
  const scenarios = names.length === 0 ? SCENARIOS : names.map(findScenario);
  return (bench) => measureAll(bench, scenarios);
}

async function against(peerNames: readonly string[], names: readonly string[]): Promise<Measure> {
  const loads = findLoads(names);
  const peers = await findPeers(peerNames, say);
  return (bench) => compare(bench, loads, peers);
}

function findScenario(name: string): Scenario {
  const found = SCENARIOS.find((scenario) => scenario.name === name);
  if (found === undefined) throw new ScriptError(`there is no scenario ${name}: see npm run bench -- --list`);
  return found;
}

async function runAll(measure: Measure): Promise<object> {
  await using bench = await openBench();
  const measured = await measure(bench);
  return { machine: machineName(), load: bench.programs.language, at: new Date().toISOString(), measured };
}

async function measureAll(bench: Bench, scenarios: readonly Scenario[]): Promise<readonly object[]> {
  const measured: { scenario: string; figures: readonly Figure[] }[] = [];
  for (const { name, about, run } of scenarios) {
    say(`\n${name}: ${about}`);
    const figures = await run(bench);
    figures.forEach((figure) => say(rowOf(figure)));
    measured.push({ scenario: name, figures });
  }
  return measured;
}

function rowOf({ name, value, unit, goal }: Figure): string {
  const row = `  ${name.padEnd(44)} ${format(value).padStart(10)} ${unit}`;
  if (goal === undefined) return row;
  const [sign, limit, isReached] =
    "atMost" in goal ? ["≤", goal.atMost, value <= goal.atMost] : ["≥", goal.atLeast, value >= goal.atLeast];
  return `${row.padEnd(66)} ${sign} ${limit}${isReached ? "" : "   MISSED"}`;
}

function format(value: number): string {
  const decimals = Math.abs(value) >= 100 ? 0 : 2;
  return value.toFixed(decimals).replaceAll(/\B(?=(\d{3})+$)/g, " ");
}
