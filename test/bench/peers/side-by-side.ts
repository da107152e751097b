import { quantile } from "../quantile.ts";
import type { Figure } from "../scenario.ts";

/** The figures of one server, each of several rounds. */
export interface Measured {
  readonly name: string;
  readonly rounds: readonly (readonly Figure[])[];
}

/** One row: the median of each server, in their order; undefined where a server has no such figure. */
export interface Row {
  readonly name: string;
  readonly unit: string;
  readonly medians: readonly (number | undefined)[];
}

/** The medians of all rounds, a row for each figure that any server has, in the order of the first that has most. */
export function sideBySide(measured: readonly Measured[]): Row[] {
  const units = new Map(
    measured.flatMap(({ rounds }) => rounds.flat().map(({ name, unit }): [string, string] => [name, unit])),
  );
  return [...units].map(([name, unit]) => ({
    name,
    unit,
    medians: measured.map(({ rounds }) => {
      const values = rounds.flat().filter((figure) => figure.name === name);
      return values.length === 0
        ? undefined
        : quantile(
            values.map(({ value }) => value),
            0.5,
          );
    }),
  }));
}

/** The rows as text, the first server's figure, then each other one's with ours divided by it. */
export function formatRows(names: readonly string[], rows: readonly Row[]): string {
  const [first = "", ...others] = names;
  const head = line(
    "",
    first,
    others.flatMap((name) => [name, "ours ÷ it"]),
  );
  const body = rows.map(({ name, unit, medians: [ours, ...theirs] }) =>
    line(
      unit === "" ? name : `${name}, ${unit}`,
      format(ours),
      theirs.flatMap((value) => [format(value), formatRatio(ours, value)]),
    ),
  );
  return [head, ...body].join("\n");
}

function line(name: string, first: string, others: readonly string[]): string {
  return `  ${name.padEnd(42)}${[first, ...others].map((cell) => cell.padStart(11)).join("")}`;
}

function format(value: number | undefined): string {
  if (value === undefined) return "–";
  if (Number.isInteger(value)) return String(value);
  return value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
}

/** A ratio to nothing, or to what is not there, says nothing. */
function formatRatio(ours: number | undefined, theirs: number | undefined): string {
  if (ours === undefined || theirs === undefined || theirs <= 0 || ours < 0) return "–";
  return `${(ours / theirs).toFixed(2)} ×`;
}
