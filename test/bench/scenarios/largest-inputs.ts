import type { Figure, Scenario } from "../scenario.ts";
import { openInputsWorld } from "../inputs/inputs-world.ts";
import { listInputs } from "../inputs/list-inputs.ts";
import { type MeasuredInput, measureInputs, tableOf, wrongAnswers } from "../inputs/measure-inputs.ts";

/** No input may hold up a loop for longer. */
const MOST_STALL_MS = 50;

/** Everything that outsiders may send, at its largest. */
export const largestInputs: Scenario = {
  name: "largest-inputs",
  about:
    "every outside input in its smallest and its largest size: how long the loop stands still, what memory it takes",
  async run({ say }) {
    await using world = await openInputsWorld();
    const measured = await measureInputs(listInputs(world));
    for (const line of tableOf(measured)) say(line);
    const wrong = wrongAnswers(measured);
    if (wrong.length > 0) throw new Error(wrong.join("\n"));
    return measured.map(stallOf);
  },
};

function stallOf({ input, largest }: MeasuredInput): Figure {
  return { name: input.name, value: largest.stallMs, unit: "ms", goal: { atMost: MOST_STALL_MS } };
}
