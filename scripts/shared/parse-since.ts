import { UsageError } from "./run-script.ts";

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** How far back, in milliseconds: `90s`, `30m`, `1h`, `7d`; throws UsageError for anything else. */
export function parseSince(text: string): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count === undefined) throw new UsageError("--since takes a number and a unit, such as 90s, 30m, 1h or 7d");
  return Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
}
