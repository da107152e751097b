import type { Part, PartHealth } from "./service-health.ts";

/** The part to look at, and why. */
export interface Advice {
  readonly part: Part;
  readonly lookAt: string;
}

/** What each part cannot work without. */
const NEEDS: Readonly<Record<Part, readonly Part[]>> = {
  bus: [],
  policy: ["bus"],
  auth: ["bus"],
  publish: ["bus", "policy", "auth"],
  stream: ["bus", "policy", "auth"],
};

/**
 * What to look at when a step failed at a part: the part itself where it does not answer, else the first of those that it needs
 * that does not, else the first that says it is not ready.
 */
export function adviceFor(failedAt: Part, parts: readonly PartHealth[]): Advice {
  const concerned = [...NEEDS[failedAt], failedAt];
  const broken = concerned.flatMap((name) => parts.filter(({ part, fault }) => part === name && fault !== undefined));
  const silent = broken.filter(({ fault = "" }) => !fault.startsWith("not ready"));
  const first = silent.find(({ part }) => part === failedAt) ?? silent[0] ?? broken[0];
  if (first === undefined) {
    return {
      part: failedAt,
      lookAt: `Every part says that it is ready. Above stands what ${failedAt} answered; what it logged just now may say more.`,
    };
  }
  const { part, at, fault = "" } = first;
  return { part, lookAt: `Look at ${part} (${at}): ${fault}.` };
}
