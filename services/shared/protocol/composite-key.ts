/**
 * One text for several parts, for keys of maps and caches: different lists of parts have different keys, whatever the parts
 * hold. A separator would not do, because a free name may contain it.
 */
export function compositeKey(...parts: readonly string[]): string {
  return JSON.stringify(parts);
}
