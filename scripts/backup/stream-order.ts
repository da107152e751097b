/**
 * The streams in the order in which they are backed up. Each is a moment later than the one before, so what refers to a log goes
 * before it, and what a log announces behind it: policy makes up for an announcement that is missing, but nobody for a version
 * that was announced and is not stored.
 */
export function backupOrder(names: readonly string[]): string[] {
  return names.toSorted((a, b) => rankOf(a) - rankOf(b) || (a < b ? -1 : 1));
}

function rankOf(name: string): number {
  if (name === "KV_sluice_subs") return 0;
  return name.startsWith("EVENTS_") ? 1 : 2;
}
