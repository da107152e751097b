import { harmless } from "../events/print-event.ts";
import type { Terminal } from "./command.ts";

/** Rows of cells as lines of text, each column as wide as its widest cell. Nothing in a cell can break a line or steer the terminal. */
export function tableOf(rows: readonly (readonly string[])[]): string {
  const shown = rows.map((row) => row.map((cell) => harmless(cell).replaceAll("\n", "?")));
  const widths = (shown[0] ?? []).map((_, column) => Math.max(...shown.map((row) => row[column]?.length ?? 0)));
  const lines = shown.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "));
  return lines.map((line) => line.trimEnd()).join("\n");
}

/** Prints each item as a row; the head stands above the first. */
export function printTable<Item extends object>(
  head: readonly string[],
  items: readonly Item[],
  rowOf: (item: Item) => readonly string[],
  print: Terminal["print"],
): void {
  const [first, ...lines] = tableOf([head, ...items.map(rowOf)]).split("\n");
  for (const [place, item] of items.entries()) print(item, `${place === 0 ? `${first}\n` : ""}${lines[place]}`);
}
