import { randomInt } from "node:crypto";
import { resolve } from "node:path";
import { natsServer, redisServer } from "../../scripts/provision/programs.ts";
import { provision } from "../../scripts/provision/provision.ts";
import { provisionSchemathesis } from "../../scripts/provision/provision-schemathesis.ts";
import { runScript, say, ScriptError } from "../../scripts/shared/run-script.ts";
import { runVitest } from "../../scripts/shared/run-vitest.ts";
import { print, readNumber, readOptions, readSeed } from "#test/support/run-arguments.ts";
import { AMOUNT_VARIABLE, SEED_VARIABLE } from "./amount.ts";
import { type Soak, SOAKS } from "./soaks.ts";

const USAGE = `npm run soak [-- --only <name> …] [--minutes <n>] [--seed <n>] [--list]

Runs tests of the suite with far more to do than the suite gives them. The random cases follow from the seed.

  --only <name>   only this one; may be repeated
  --minutes <n>   as much of each as takes about so long on two cores
  --seed <n>      the seed of an earlier run, 0 to 2147483647
  --list          says what there is
  --help          says this
`;

// `npm run soak`: says its seed, runs one soak after the other, and ends with the names of those that failed.
await runScript(async () => {
  const values = readArguments();
  if (values.help === true) return print(USAGE);
  if (values.list === true) return print(SOAKS.map(rowOf).join(""));
  const chosen = values.only === undefined ? SOAKS : values.only.map(findSoak);
  const seed = readSeed(values.seed, randomInt);
  const minutes = readNumber("--minutes", values.minutes, 1, 24 * 60);
  const options = { home: resolve(".sluice"), path: process.env["PATH"] ?? "", say };
  await provision([natsServer, redisServer, ...chosen.flatMap(({ programs }) => programs)], options);
  if (chosen.some(({ name }) => name === "apis")) await provisionSchemathesis(options);
  say(`the seed is ${seed}`);
  const failed: string[] = [];
  for (const soak of chosen) {
    const amount = minutes === undefined ? soak.amount : evenly(minutes * soak.perMinute);
    say(`\n${soak.name}: ${amount} ${soak.unit}`);
    const env = { [AMOUNT_VARIABLE]: `${soak.name}=${amount}`, [SEED_VARIABLE]: String(seed) };
    if ((await runVitest([soak.file], env)) !== 0) failed.push(soak.name);
  }
  say(failed.length === 0 ? `all ${chosen.length} passed` : `failed with the seed ${seed}: ${failed.join(", ")}`);
  return failed.length === 0 ? 0 : 1;
});

function readArguments() {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const only = { ...text, multiple: true } as const;
  return readOptions({ only, minutes: text, seed: text, list: flag, help: { ...flag, short: "h" } }, USAGE);
}

function rowOf({ name, amount, unit, file }: Soak): string {
  return `${name.padEnd(16)} ${String(amount).padStart(10)} ${unit.padEnd(30)} ${file}\n`;
}

function findSoak(name: string): Soak {
  const found = SOAKS.find((soak) => soak.name === name);
  if (found === undefined) throw new ScriptError(`there is no soak ${name}: see npm run soak -- --list`);
  return found;
}

/** Tests share their amount among two kinds of clients, or groups of a hundred. */
function evenly(amount: number): number {
  return Math.ceil(amount / 100) * 100;
}
