import { afterAll, beforeAll, expect, test } from "vitest";
import { type InputsWorld, openInputsWorld } from "../bench/inputs/inputs-world.ts";
import { listInputs } from "../bench/inputs/list-inputs.ts";
import { listSurfaces } from "../bench/inputs/list-surfaces.ts";
import { type MeasuredInput, measureInputs, tableOf, wrongAnswers } from "../bench/inputs/measure-inputs.ts";

/** Without bounds a single document took 13 s. How long a step takes is measured by the bench, on a machine that is free. */
const STALL = { timesTheSmallest: 10, besidesMs: 500 };

const MOST_BYTES = 300 * 1_048_576;

let world: InputsWorld;
let measured: readonly MeasuredInput[];

beforeAll(async () => {
  world = await openInputsWorld();
  measured = await measureInputs(listInputs(world));
  process.stdout.write(`${tableOf(measured).join("\n")}\n`);
}, 120_000);
afterAll(() => world[Symbol.asyncDispose]());

test("everything that comes from outside has an input: routes, methods, control entries, headers and files", async () => {
  const tried = new Set(listInputs(world).flatMap(({ through }) => through));
  const surfaces = await listSurfaces();
  expect([...new Set(surfaces)].filter((each) => !tried.has(each))).toEqual([]);
  expect([...tried].filter((each) => !surfaces.includes(each))).toEqual([]);
});

test("each input is answered as it should be, in its smallest size and in its largest", () => {
  expect(wrongAnswers(measured)).toEqual([]);
});

test("no input ends a service", () => {
  const { auth, policy, edge } = world.stack;
  const services = [auth, policy, edge];
  expect(services.map(({ child }) => child.process.exitCode)).toEqual(services.map(() => null));
});

test("the largest inputs hold up a loop hardly longer than the smallest, and do not fill the memory", () => {
  const longest = Math.max(...measured.map(({ smallest }) => smallest.stallMs));
  const most = longest * STALL.timesTheSmallest + STALL.besidesMs;
  const tooLarge = measured.filter(({ largest }) => largest.stallMs > most || largest.bytes > MOST_BYTES);
  expect(tableOf(tooLarge).slice(1)).toEqual([]);
});
