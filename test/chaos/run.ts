import { randomInt } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { runScript, say, ScriptError } from "../../scripts/shared/run-script.ts";
import { appendLedger } from "#test/support/checker/ledger.ts";
import { prepareClusterPrograms } from "#test/support/prepare-cluster-programs.ts";
import { print, readNumber, readOptions, readSeed } from "#test/support/run-arguments.ts";
import type { Fault } from "./fault.ts";
import { FAULTS } from "./faults/all-faults.ts";
import { enterOwnNetwork } from "./own-network.ts";
import { formatConclusion, formatTable, isGood } from "./report.ts";
import { runChaos } from "./run-chaos.ts";
import { startTraffic, type Traffic } from "./traffic/start-traffic.ts";
import type { Process } from "./world.ts";
import { WORLDS } from "./worlds.ts";

const USAGE = `npm run chaos [-- --minutes <n>] [--seed <n>] [--on <stack>] [--only <words> …] [--json <file>] [--list]

Does one fault after the other to a real stack while people stream, publish and change rights, and counts what they saw.
One line for each fault, a table in the end; the exit code is 0 where every promise was kept and everything came back in time.

  --minutes <n>   so long; 10 by default
  --seed <n>      the seed of an earlier run, 0 to 2147483647: the same faults in the same order
  --on <stack>    ${Object.keys(WORLDS).join(" or ")}; cluster by default
  --only <words>  only faults with these words in their name; may be repeated
  --json <file>   also writes everything to this file
  --list          says what faults there are
  --help          says this
`;

// `npm run chaos`: says its seed, and keeps the ledger of a run that failed.
await runScript(async () => {
  const values = readArguments();
  if (values.help === true) return print(USAGE);
  const faults = FAULTS.filter(
    ({ name }) => values.only === undefined || values.only.some((word) => name.includes(word)),
  );
  if (values.list === true) return print(faults.map(({ name, weight }) => `${weight} × ${name}\n`).join(""));
  if (faults.length === 0) throw new ScriptError("there is no such fault: see npm run chaos -- --list");
  const on = values.on ?? "cluster";
  const startWorld = WORLDS[on];
  if (startWorld === undefined) throw new ScriptError(`there is no stack ${on}\n\n${USAGE}`);
  const seed = readSeed(values.seed, randomInt);
  const minutes = readNumber("--minutes", values.minutes, 1, 24 * 60) ?? 10;
  await prepareClusterPrograms(say);
  await enterOwnNetwork();

  say(`the seed is ${seed}; ${minutes} minutes on a ${on}`);
  await using world = await startWorld();
  const possible = faults.filter((fault) => isPossible(fault, fault.missing?.(world)));
  await using traffic = await startTraffic(world);
  const stopping = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stopping.abort());
  // A frame that is not as described is thrown where it is read, which nobody waits for.
  const broken: string[] = [];
  process.on("uncaughtException", ({ message }) => {
    broken.push(message);
    say(`BROKEN ${message}`);
  });
  const options = { on, seed, minutes, faults: possible, say, stop: stopping.signal };
  const report = { ...(await runChaos(world, traffic, options)), broken };
  say(`\n${formatTable(report.steps)}\n\n${formatConclusion(report)}`);
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
  if (isGood(report)) return 0;
  await keep(join(resolve(".sluice/chaos"), `${on}-${seed}`), world.processes, traffic);
  return 1;
});

function readArguments() {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const options = {
    minutes: text,
    seed: text,
    on: text,
    only: { ...text, multiple: true },
    json: text,
    list: flag,
    help: { ...flag, short: "h" },
  } as const;
  return readOptions(options, USAGE);
}

function isPossible({ name }: Fault, missing: string | undefined): boolean {
  if (missing !== undefined) say(`left out: ${name}: ${missing}`);
  return missing === undefined;
}

/** Writes what everybody noted, and what the processes printed, into a folder. */
async function keep(folder: string, processes: readonly Process[], traffic: Traffic): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "ledger.jsonl"), "");
  appendLedger(join(folder, "ledger.jsonl"), traffic.ledger);
  await writeFile(join(folder, "subscriptions.json"), JSON.stringify(traffic.subscriptions));
  for (const each of processes) await writeFile(join(folder, `${each.name}.log`), each.output());
  say(`the ledger, and what each process printed, is in ${folder}`);
}
