import { z } from "zod";

/**
 * A version of a tenant's policy: a number that rises by one with each change, and a random build id. Numbers alone are
 * not enough: a store that lost its tail gives one out again, with another build.
 */
export interface Version {
  readonly number: number;
  readonly build: string;
}

/** A version as it comes in from outside. */
export const versionSchema = z.object({ number: z.int().min(1), build: z.string().min(1).max(64) });

/** Whether `have` includes all that `wanted` does: a higher number, or the very same version. */
export function isAtLeast(have: Version, wanted: Version): boolean {
  return have.number > wanted.number || isSameVersion(have, wanted);
}

/** Whether both are the same number of the same build. */
export function isSameVersion(a: Version, b: Version): boolean {
  return a.number === b.number && a.build === b.build;
}
