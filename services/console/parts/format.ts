/** A size for people. */
export function formatBytes(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  const units = ["KB", "MB", "GB", "TB"];
  const power = Math.min(units.length, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1_024 ** power;
  return `${value.toFixed(value < 10 ? 1 : 0)} ${units[power - 1]}`;
}

/** A span of time for people: its two largest units. */
export function formatSpan(seconds: number): string {
  const units = [
    ["d", 86_400],
    ["h", 3_600],
    ["min", 60],
  ] as const;
  const place = units.findIndex(([, size]) => seconds >= size);
  const [unit, size] = units[place] ?? [];
  if (unit === undefined || size === undefined) return `${Math.floor(seconds)} s`;
  const [smaller, smallerSize] = units[place + 1] ?? ["s", 1];
  const rest = Math.floor((seconds % size) / smallerSize);
  return `${Math.floor(seconds / size)} ${unit}${rest === 0 ? "" : ` ${rest} ${smaller}`}`;
}
