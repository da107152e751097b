/**
 * The streams in the order in which they are backed up. Each is a moment later than the one before, so what refers to a log goes
 * before it, and what a log announces behind it: policy makes up for an announcement that is missing, but nobody for a version
 * that was announced and is not stored.
 */
export function backupOrder(names: readonly string[]): string[] {
  const rank = (name: string): number => (name === "KV_sluice_subs" ? 0 : name.startsWith("EVENTS_") ? 1 : 2);
  return names.toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}
