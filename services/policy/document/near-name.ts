import { editDistance } from "#shared/config/unknown-settings.ts";

/** Names that differ by more characters are taken for different ones. */
const MAX_DISTANCE = 2;

/** In a short name two characters are half of it. */
const MIN_CHARACTERS = 5;

/** Comparing two names takes some microseconds: a document may have ten thousands. */
const MAX_COMPARED = 50_000;

/** Answers the known name that a name is nearly; undefined where none is, or enough were compared. */
export type NearName = (name: string) => string | undefined;

/** Looks for near misses among some names. Those that differ in a number only are different ones: `team1`, `team2`. */
export function nearNames(known: Iterable<string>): NearName {
  const byLength = Map.groupBy(new Set(known), ({ length }) => length);
  let compared = 0;
  const isNearly = (name: string, other: string, distance: number): boolean => {
    compared += 1;
    return withoutDigits(other) !== withoutDigits(name) && editDistance(name, other) === distance;
  };
  return (name) => {
    if (name.length < MIN_CHARACTERS) return undefined;
    const lengths = Array.from({ length: 2 * MAX_DISTANCE + 1 }, (_, more) => name.length - MAX_DISTANCE + more);
    for (const distance of [1, MAX_DISTANCE]) {
      for (const other of lengths.flatMap((length) => byLength.get(length) ?? [])) {
        if (compared >= MAX_COMPARED) return undefined;
        if (isNearly(name, other, distance)) return other;
      }
    }
    return undefined;
  };
}

function withoutDigits(name: string): string {
  return name.replaceAll(/\d+/g, "0");
}

/** The question at the end of a warning. */
export function isMeant(near: string | undefined): string {
  return near === undefined ? "" : `; is ${near} meant?`;
}
