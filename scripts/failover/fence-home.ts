import { AUDIT_STREAM } from "#shared/contract/audit-log.ts";
import { SEAT_STREAM } from "#shared/contract/home.ts";
import { ScriptError } from "../shared/run-script.ts";
import { noteHomeChange } from "./home-audit.ts";
import { fencedAt, fencedConfig, type HomeStream, standingOf } from "./home-stream.ts";
import { inGroups } from "./in-groups.ts";
import { lockRegion } from "./lock-region.ts";
import type { RegionBus } from "./region-bus.ts";
import type { Tell } from "./tell.ts";
import { answers, type AnsweringRegion, isSeat, type RegionView, requireRegion, seatStanding } from "./view-home.ts";

/**
 * Fences the home in the region that has the seat, where another region can take over, or has the seat, too.
 * @throws {ScriptError} where the region does not have it, and where nobody could take over: nothing opens a fenced home again.
 */
export async function fenceSeat(
  views: readonly RegionView[],
  region: string,
  { by, tell, lockMs }: { readonly by: string; readonly tell: Tell; readonly lockMs?: number },
): Promise<Fence> {
  const { bus } = requireRegion(views, region);
  await using _ = await lockRegion(bus, lockMs);
  const seat = seatStanding({ streams: await bus.streams() });
  if (seat === undefined || seat.kind === "mirror") {
    const what = seat === undefined ? "has nothing of this home" : `mirrors region ${seat.of}`;
    throw new ScriptError(`region ${region} ${what}: nothing was fenced`);
  }
  if (seat.kind === "open" && !views.filter(answers).some((each) => canGoOn(each, region))) {
    throw new ScriptError(
      `no region that answers mirrors region ${region}, so none could take over: nothing was fenced`,
    );
  }
  return await fenceHome(bus, by, tell);
}

/** A region that mirrors the other, or that takes everything itself: then one of the two must end. */
function canGoOn(view: AnsweringRegion, without: string): boolean {
  if (view.region === without) return false;
  const seat = seatStanding(view);
  return isSeat(view) || (seat?.kind === "mirror" && seat.of === without);
}

/** Streams that are made meanwhile are fenced, too; who makes them without end is stopped by a person. */
const MAX_PASSES = 20;

/** What a fence found and did. */
export interface Fence {
  readonly region: string;
  readonly term: number;
  /** The streams that this call has fenced. */
  readonly fenced: readonly string[];
  /** All originals of this region, which take nothing any more. */
  readonly streams: readonly HomeStream[];
}

/**
 * Has the originals of a home in this region take nothing any more, and answers once none of them does. What is fenced stays
 * fenced, so it is right to repeat a fence that broke off. The stream that tells where the seat is comes first: policy
 * and auth stop then, and make no new streams. The audit trail comes last, with the entry of the fence.
 * @throws {ScriptError} where a stream is not fenced.
 */
export async function fenceHome(bus: RegionBus, by: string, tell: Tell): Promise<Fence> {
  const fenced: string[] = [];
  for (let pass = 1; pass <= MAX_PASSES; pass += 1) {
    const streams = (await bus.streams()).filter((each) => standingOf(each).kind !== "mirror");
    const open = streams.filter((each) => standingOf(each).kind === "open");
    const term = Math.max(1, ...streams.map((each) => standingOf(each).term));
    if (open.length === 0) return { region: bus.region, term, fenced, streams };
    let at = timeOfFence(streams);
    const fence = async (stream: HomeStream): Promise<void> => {
      const { name } = stream.config;
      if (name === AUDIT_STREAM) await noteHomeChange(bus, { event: "region_fenced", region: bus.region, term, by });
      await bus.update(fencedConfig(stream, at));
      if (name === SEAT_STREAM) at = (await bus.stream(name))?.ts ?? at;
      fenced.push(name);
      await tell({ step: "fenced", region: bus.region, stream: name });
    };
    for (const rank of RANKS) {
      await inGroups(
        open.filter(({ config }) => rankOf(config.name) === rank),
        fence,
      );
    }
  }
  throw new ScriptError(
    `new streams are made in region ${bus.region} all the time: stop auth and policy of the home there`,
  );
}

/** Who connects after the seat's stream was fenced begins as a standby, so that time counts; the others say it, where a fence broke off. */
function timeOfFence(streams: readonly HomeStream[]): string {
  const said = fencedAt(streams.filter(({ config }) => config.name !== SEAT_STREAM));
  return said === undefined ? (streams[0]?.ts ?? "") : new Date(said).toISOString();
}

const RANKS = ["seat", "rest", "trail"] as const;

function rankOf(name: string): (typeof RANKS)[number] {
  if (name === SEAT_STREAM) return "seat";
  return name === AUDIT_STREAM ? "trail" : "rest";
}
