import { readFile, writeFile } from "node:fs/promises";
import { runScript, say, ScriptError } from "../../scripts/shared/run-script.ts";
import { readOptions } from "#test/support/run-arguments.ts";
import { openBench, provisionBench } from "../bench/open-bench.ts";
import type { Bench } from "../bench/scenario.ts";
import { checkWorkers } from "./check-workers.ts";
import { measureAll } from "./measure/measure-all.ts";
import type { Machines, Mix } from "./model.ts";
import { checkLine, needLines, planLines, slopeLines } from "./report.ts";
import { type Slopes, slopesSchema } from "./slopes.ts";

const USAGE = `npm run capacity [-- --quick] [--streams <n>] [--events <n>] [--tenants <n>] [--reach <percent>] [--log <MiB>] [--cores <n>] [--slopes <file>] [--json <file>]

Measures what one more stream, event, handshake and tenant costs on this machine, and says how many edges, workers and brokers a mix needs
and what ends first. Then it puts edges of two and of four workers under load, and compares them with what it would have said.

  --quick            measures for some two minutes, with wider errors, and does not compare
  --streams <n>      open streams
  --events <n>       events a second, of all tenants
  --tenants <n>      tenants, all alike
  --reach <percent>  of a tenant's streams that an event is for; 10 where nothing is said
  --log <MiB>        what JetStream sets aside for a tenant's log; 1024 where nothing is said
  --cores <n>        of an edge, each with a worker; 4 where nothing is said
  --slopes <file>    measures nothing and takes the slopes that --json has written
  --json <file>      writes the slopes to this file
  --help             says this
`;

/** A machine that others use, too, may answer late: what is counted is processor time. */
const PATIENT = { STREAM_HANDSHAKE_MS: "60000" };

const MACHINES: Machines = {
  edgeCores: 4,
  workerMiB: 2_048,
  tailMiB: 256,
  streamsPerWorker: 19_000,
  brokerCores: 4,
  brokerMiB: 8_192,
  brokerDiskGiB: 1_000,
  coreShare: 0.6,
  roomShare: 0.75,
};

const ALIKE = { reach: 0.1, payloadBytes: 200, lifeSeconds: 1_800, logMiB: 1_024 };

const MIXES: readonly Mix[] = [
  { ...ALIKE, name: "small", streams: 1_000, eventsPerSecond: 20, tenants: 5 },
  { ...ALIKE, name: "many tenants", streams: 50_000, eventsPerSecond: 200, tenants: 300 },
  { ...ALIKE, name: "broadcast", streams: 100_000, eventsPerSecond: 50, tenants: 1, reach: 1 },
  { ...ALIKE, name: "feed of prices", streams: 20_000, eventsPerSecond: 500, tenants: 10, reach: 0.5 },
  { ...ALIKE, name: "large", streams: 1_000_000, eventsPerSecond: 5_000, tenants: 10_000, logMiB: 64 },
];

// `npm run capacity`: measures, plans, and compares the plan with what edges of more workers do.
await runScript(async () => {
  const values = readArguments();
  if (values.help === true) return print([USAGE]);
  const machines = { ...MACHINES, edgeCores: readNumber("--cores", values.cores, 256) ?? MACHINES.edgeCores };
  const mix = readMix(values);
  const tell = (slopes: Slopes): void => {
    print(["", ...slopeLines(slopes), "", ...planLines(slopes, mix === undefined ? MIXES : [mix], machines)]);
    if (mix !== undefined) print(["", ...needLines(slopes, mix, machines)]);
  };
  if (values.slopes !== undefined) {
    tell(await readSlopes(values.slopes));
    return 0;
  }
  await provisionBench();
  await using opened = await openBench();
  const bench: Bench = { ...opened, startEdge: (env = {}) => opened.startEdge({ ...PATIENT, ...env }) };
  const slopes = await measureAll(bench, values.quick === true);
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(slopes, undefined, 2)}\n`);
  tell(slopes);
  if (values.quick !== true) await check(bench, slopes);
  return 0;
});

async function check(bench: Bench, slopes: Slopes): Promise<void> {
  say("\nedges of more workers, as the model says and as they are");
  for await (const found of checkWorkers(bench, slopes)) say(checkLine(found));
}

function readArguments() {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const mix = { streams: text, events: text, tenants: text, reach: text, log: text, cores: text } as const;
  return readOptions({ ...mix, quick: flag, slopes: text, json: text, help: { ...flag, short: "h" } }, USAGE);
}

/** The mix that was asked about; undefined where none was. */
function readMix(values: ReturnType<typeof readArguments>): Mix | undefined {
  const { streams, events, tenants, reach, log } = values;
  const asked = [streams, events, tenants, reach, log];
  if (asked.every((value) => value === undefined)) return undefined;
  if (streams === undefined || events === undefined || tenants === undefined)
    throw new ScriptError("a mix has --streams, --events and --tenants");
  return {
    ...ALIKE,
    name: "",
    streams: readNumber("--streams", streams) ?? 0,
    eventsPerSecond: readNumber("--events", events) ?? 0,
    tenants: readNumber("--tenants", tenants) ?? 0,
    reach: (readNumber("--reach", reach, 100) ?? 100 * ALIKE.reach) / 100,
    logMiB: readNumber("--log", log) ?? ALIKE.logMiB,
  };
}

function readNumber(name: string, text: string | undefined, most = 1e9): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!(number > 0 && number <= most)) throw new ScriptError(`${name} takes a number above 0, up to ${most}`);
  return number;
}

async function readSlopes(file: string): Promise<Slopes> {
  const text = await readFile(file, "utf8").catch((error: Error) => {
    throw new ScriptError(error.message);
  });
  const { data, error } = slopesSchema.safeParse(JSON.parse(text));
  if (data === undefined)
    throw new ScriptError(`${file} does not hold the slopes that --json writes: ${error.message}`);
  return data;
}

function print(lines: readonly string[]): number {
  for (const line of lines) say(line);
  return 0;
}
