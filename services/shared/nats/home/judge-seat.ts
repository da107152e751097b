import type { Holding } from "./read-holding.ts";

/** What the other region holds of the home, or that it does not answer. */
export type OtherHolding = Holding | "silent";

/** Whether the processes of this region serve the home, and why not where they do not. */
export type Seat =
  | { readonly isHere: true }
  | { readonly isHere: false; readonly reason: string; readonly origin?: string };

interface Regions {
  readonly here: string;
  readonly other: string;
  /** Whether the home is made in this region, where no region has it. */
  readonly makesHome: boolean;
}

/**
 * Judges whether a process of this region may begin to serve a home. Two regions never serve one home: where the other region has
 * taken it over, has a copy of what is missing here, or cannot be asked, the process waits.
 */
export function judgeSeat(holding: Holding, other: OtherHolding, { here, other: there, makesHome }: Regions): Seat {
  if (holding.holds === "mirror") return away(holding.of);
  if (holding.holds === "fenced") {
    const isTaken = other !== "silent" && other.holds === "originals";
    return isTaken ? away(there) : waiting(`this home is fenced in region ${here}: another region is to take it over`);
  }
  // A person has said so when the home was promoted.
  const isLost = holding.holds === "originals" && holding.lost === there;
  if (other === "silent" && isLost) return { isHere: true };
  if (other === "silent") {
    return waiting(
      `region ${there} does not say whether it has taken this home over; if it is lost, set SLUICE_HOME_REGIONS=${here}`,
    );
  }
  if (holding.holds === "originals") {
    if (isSuperseded(holding.term, other)) return away(there);
    const isDouble = other.holds === "originals" && other.term === holding.term;
    return isDouble ? waiting(`region ${there} holds originals of this home too: fence one of them`) : { isHere: true };
  }
  if (other.holds === "nothing" && makesHome) return { isHere: true };
  if (other.holds === "originals" || !makesHome) return away(there);
  return waiting(`region ${here} has lost this home, and region ${there} has a copy of it: sluice region promote`);
}

/** Whether a process that serves a home must end, and why: the region does not hold its originals any more. */
export function judgeEnd(holding: Holding, other: OtherHolding): string | undefined {
  if (holding.holds === "fenced") return "the home is fenced here";
  if (holding.holds === "mirror") return `the home is written in region ${holding.of}`;
  if (holding.holds === "originals" && other !== "silent" && isSuperseded(holding.term, other)) {
    return "the other region has taken the home over";
  }
  return undefined;
}

/** Of two originals the one that was promoted last counts. */
function isSuperseded(term: number, other: Holding): boolean {
  return other.holds === "originals" && other.term > term;
}

function away(origin: string): Seat {
  return { isHere: false, reason: `this home is written in region ${origin}`, origin };
}

function waiting(reason: string): Seat {
  return { isHere: false, reason };
}
