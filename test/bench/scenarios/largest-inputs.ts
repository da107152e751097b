import type { Figure, Scenario } from "../scenario.ts";
import { edgeInputs } from "../inputs/edge-inputs.ts";
import { openInputsWorld } from "../inputs/inputs-world.ts";
import { type MeasuredInput, measureInputs } from "../inputs/measure-inputs.ts";
import { authInputs, policyInputs } from "../inputs/service-inputs.ts";

/** No input may hold up a loop for longer. */
const MOST_STALL_MS = 50;

/** Everything that outsiders may send, at its largest. */
export const largestInputs: Scenario = {
  name: "largest-inputs",
  about:
    "every outside input in its smallest and its largest size: how long the loop stands still, what memory it takes",
  async run({ stack, issuer, say }) {
    const world = await openInputsWorld(stack, issuer);
    const measured = await measureInputs([...edgeInputs(world), ...authInputs(world), ...policyInputs(world)]);
    say("  input, smallest and largest".padEnd(58) + "status   stall ms      memory MB");
    for (const input of measured) say(rowOf(input));
    return measured.map(stallOf);
  },
};

function rowOf({ name, smallest, largest }: MeasuredInput): string {
  const pair = (a: string, b: string): string => `${a.padStart(6)} ${b.padStart(6)}`;
  const megabytes = (bytes: number): string => (bytes / 1_048_576).toFixed(1);
  return [
    `  ${name.padEnd(52)}`,
    pair(String(smallest.status), String(largest.status)),
    pair(smallest.stallMs.toFixed(0), largest.stallMs.toFixed(0)),
    pair(megabytes(smallest.bytes), megabytes(largest.bytes)),
  ].join(" ");
}

function stallOf({ name, largest }: MeasuredInput): Figure {
  return { name, value: largest.stallMs, unit: "ms", goal: { atMost: MOST_STALL_MS } };
}
