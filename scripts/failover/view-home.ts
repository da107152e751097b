import { LOST_METADATA, SEAT_STREAM } from "#shared/contract/home.ts";
import { ScriptError } from "../shared/run-script.ts";
import { type HomeStream, type Standing, standingOf } from "./home-stream.ts";
import { openRegion, type RegionBus, RunningRegion } from "./region-bus.ts";
import type { Regions } from "./regions.ts";

/** A region that was asked for a home, and what is there of it. */
export type RegionView =
  | {
      readonly region: string;
      readonly bus: RegionBus;
      readonly streams: readonly HomeStream[];
      readonly fault?: undefined;
    }
  /** One that did not answer; `runs`: a server did, and said something else. */
  | { readonly region: string; readonly fault: string; readonly runs: boolean; readonly bus?: undefined };

/** A region that answered. */
export type AnsweringRegion = Extract<RegionView, { bus: RegionBus }>;

/** A region that did not. */
export type SilentRegion = Exclude<RegionView, AnsweringRegion>;

/** What a region's copy of the home is: that of the stream that tells the seat; undefined where the region has none. */
export function seatStanding({ streams }: Pick<AnsweringRegion, "streams">): Standing | undefined {
  const stream = streams.find(({ config }) => config.name === SEAT_STREAM);
  return stream && standingOf(stream);
}

/** The highest term that an original here has; 0 where there is none. */
export function highestTerm({ streams }: Pick<AnsweringRegion, "streams">): number {
  const terms = streams.map(standingOf).filter(({ kind }) => kind !== "mirror");
  return Math.max(0, ...terms.map(({ term }) => term));
}

/**
 * Whether the other region has taken the home over from this one: an original there has a higher term. A single one is enough: a
 * promotion that broke off is gone on with, never undone. Of equal terms that counts which was promoted without asking the other, or
 * else the one that a person has left open: all of this region is fenced.
 */
export function hasTakenOver(other: AnsweringRegion, from: AnsweringRegion): boolean {
  const before = highestTerm(from);
  const isGivenUp = from.streams.every((each) => standingOf(each).kind === "fenced");
  return other.streams.some((each) => {
    const { kind, term } = standingOf(each);
    const isWithout = each.config.metadata?.[LOST_METADATA] === from.region;
    const isLeftOpen = isGivenUp && kind === "open";
    return kind !== "mirror" && (term > before || (term === before && (isWithout || isLeftOpen)));
  });
}

/** Whether every original of the home is here, and takes what comes. */
export function isSeat({ streams }: Pick<AnsweringRegion, "streams">): boolean {
  return seatStanding({ streams })?.kind === "open" && streams.every((each) => standingOf(each).kind === "open");
}

/** Asks each region what it has of the home; one that does not answer is said with the reason. */
export async function viewHome(regions: Regions, owner: AsyncDisposableStack): Promise<RegionView[]> {
  return Promise.all(
    Array.from(regions, async ([region, urls]): Promise<RegionView> => {
      let bus: RegionBus | undefined;
      try {
        bus = owner.use(await openRegion(region, urls));
        return { region, bus, streams: await bus.streams() };
      } catch (error) {
        if (!(error instanceof ScriptError)) throw error;
        return { region, fault: error.message, runs: bus !== undefined || error instanceof RunningRegion };
      }
    }),
  );
}

/** Whether a region answered. */
export function answers(view: RegionView): view is AnsweringRegion {
  return view.fault === undefined;
}

/**
 * The view of that region.
 * @throws {ScriptError} where it did not answer.
 */
export function requireRegion(views: readonly RegionView[], region: string): AnsweringRegion {
  const view = views.find((each) => each.region === region);
  if (view === undefined) throw new ScriptError(`there is no region ${region} in SLUICE_REGIONS`);
  if (answers(view)) return view;
  throw new ScriptError(view.fault);
}
