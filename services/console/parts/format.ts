/** A size for people. */
export function formatBytes(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  const units = ["KB", "MB", "GB", "TB"];
  const power = Math.min(units.length, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1_024 ** power;
  return `${value.toFixed(value < 10 ? 1 : 0)} ${units[power - 1]}`;
}

/** A number with its noun. */
export function formatCount(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
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

/** What turns the direction of writing, or is not seen at all; the end of a line is. */
const UNSEEN = /(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * A text of strangers, in which what would turn the direction of writing or would not be seen stands as `\\u202e`: a payload must not read
 * as another one. What joins letters and emoji stays.
 */
export function visibleText(text: string): string {
  return text.replaceAll(UNSEEN, (character) => {
    if (character === "\u200c" || character === "\u200d") return character;
    return `\\u${character.codePointAt(0)?.toString(16).padStart(4, "0")}`;
  });
}
