import { harmless } from "../events/print-event.ts";

/** Rows of cells as lines of text, each column as wide as its widest cell. Nothing in a cell can break a line or steer the terminal. */
export function tableOf(rows: readonly (readonly string[])[]): string {
  const shown = rows.map((row) => row.map((cell) => harmless(cell).replaceAll("\n", "?")));
  const widths = (shown[0] ?? []).map((_, column) => Math.max(...shown.map((row) => row[column]?.length ?? 0)));
  const lines = shown.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "));
  return lines.map((line) => line.trimEnd()).join("\n");
}
