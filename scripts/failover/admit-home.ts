import { fenceHome } from "./fence-home.ts";
import { standingOf } from "./home-stream.ts";
import { lockRegion } from "./lock-region.ts";
import type { Tell } from "./tell.ts";
import { answers, hasTakenOver, highestTerm, type RegionView, requireRegion } from "./view-home.ts";

/** Whether a region may take what comes. */
export type Admission =
  | { readonly answer: "open"; readonly because: string }
  /** Another region has taken over; the originals here are fenced now. */
  | { readonly answer: "fenced"; readonly by: string; readonly term: number }
  /** Nobody can say that no other region has taken over. */
  | { readonly answer: "unknown"; readonly silent: string; readonly because: string };

interface AdmitOptions {
  readonly region: string;
  readonly by: string;
  readonly lockMs?: number;
  readonly tell: Tell;
}

/**
 * Asks the other regions whether one has taken over, and fences the originals here if so.
 * @throws {ScriptError} where this region does not answer.
 */
export async function admitHome(views: readonly RegionView[], options: AdmitOptions): Promise<Admission> {
  const here = requireRegion(views, options.region);
  const others = views.filter(({ region }) => region !== options.region);
  if (!here.streams.some((each) => standingOf(each).kind === "open")) {
    return { answer: "open", because: "this region holds no original that takes anything" };
  }
  const term = highestTerm(here);
  const later = others.filter(answers).find((each) => hasTakenOver(each, here));
  if (later !== undefined) {
    await using _ = await lockRegion(here.bus, options.lockMs);
    // A command that was at work meanwhile may have made this region the seat again.
    if (!hasTakenOver(later, { ...here, streams: await here.bus.streams() })) {
      return { answer: "open", because: `region ${later.region} has given the home back` };
    }
    await fenceHome(here.bus, options.by, options.tell);
    return { answer: "fenced", by: later.region, term: highestTerm(later) };
  }
  const silent = others.find((each) => !answers(each));
  if (silent?.fault !== undefined) return { answer: "unknown", silent: silent.region, because: silent.fault };
  return { answer: "open", because: `no other region has a higher term than ${term}` };
}
