import { AUDIT_STREAM } from "#shared/contract/audit-log.ts";
import { LOST_METADATA, SEAT_STREAM } from "#shared/contract/home.ts";
import { ScriptError } from "../shared/run-script.ts";
import { exportTail, type Tail } from "./export-tail.ts";
import { fenceHome } from "./fence-home.ts";
import { noteHomeChange } from "./home-audit.ts";
import { standingOf } from "./home-stream.ts";
import { lockRegion } from "./lock-region.ts";
import { waitUntilEnded } from "./old-connections.ts";
import type { RegionBus } from "./region-bus.ts";
import type { Tell } from "./tell.ts";
import {
  answers,
  type AnsweringRegion,
  hasTakenOver,
  highestTerm,
  type RegionView,
  requireRegion,
  seatStanding,
} from "./view-home.ts";

/** How a region comes back. */
export interface RejoinOptions {
  /** The region that had the seat before. */
  readonly region: string;
  /** Where the tails are written. */
  readonly folder: string;
  readonly by: string;
  readonly lockMs?: number;
  /** How long the processes of before the fence may take to end, in milliseconds. */
  readonly endedMs?: number;
  readonly tell: Tell;
}

/** What came of it. */
export interface Rejoining {
  readonly region: string;
  readonly seat: string;
  /** The originals that are deleted; none where the region had none. */
  readonly deleted: readonly string[];
  /** What only this region had, stream by stream. */
  readonly tails: readonly Tail[];
}

/**
 * Has a region that had the seat before give it up: its originals are fenced, what the new ones have not is written to files, and they
 * are deleted, so that mirrors can be made in their place. A rejoining that broke off is gone on with: nothing is deleted before all
 * files are on disk.
 * @throws {ScriptError} where no other region holds the home by a higher term, or a process of before the fence could still write.
 */
export async function rejoinHome(views: readonly RegionView[], options: RejoinOptions): Promise<Rejoining> {
  const { region, folder, by, tell } = options;
  const old = requireRegion(views, region);
  await using held = new AsyncDisposableStack();
  held.use(await lockRegion(old.bus, options.lockMs));
  const now: AnsweringRegion = { ...old, streams: await old.bus.streams() };
  const seat = requireSeat(views, now);
  if (highestTerm(now) === 0) {
    await forgetLoss(seat.bus, region);
    return { region, seat: seat.region, deleted: [], tails: [] };
  }
  const { streams } = await fenceHome(old.bus, by, tell);
  await waitUntilEnded(old.bus, streams, options.endedMs);
  const promoted = new Map(seat.streams.map((each) => [each.config.name, each]));
  const tails: Tail[] = [];
  for (const original of streams) {
    const fenced = { bus: old.bus, original, seat: seat.bus, promoted: promoted.get(original.config.name) };
    const tail = await exportTail(fenced, folder);
    if (tail.entries === 0) continue;
    tails.push(tail);
    await tell({ step: "exported", region, stream: tail.stream, entries: tail.entries });
  }
  const trail = promoted.get(AUDIT_STREAM);
  if (trail !== undefined && standingOf(trail).kind === "open") {
    const kept = Object.fromEntries(tails.map(({ stream, entries }) => [stream, entries]));
    await noteHomeChange(seat.bus, { event: "region_rejoined", region, term: highestTerm(seat), tails: kept, by });
  }
  const deleted: string[] = [];
  // The stream that keeps other commands out goes last.
  for (const { config } of streams.toSorted((a, b) => Number(isSeatStream(a)) - Number(isSeatStream(b)))) {
    await old.bus.delete(config.name);
    deleted.push(config.name);
    await tell({ step: "deleted", region, stream: config.name });
  }
  await forgetLoss(seat.bus, region);
  return { region, seat: seat.region, deleted, tails };
}

/** A region that is back is asked again when the processes of the seat start. */
async function forgetLoss(seat: RegionBus, region: string): Promise<void> {
  const stream = await seat.stream(SEAT_STREAM);
  const { [LOST_METADATA]: lost, ...metadata } = stream?.config.metadata ?? {};
  if (stream !== undefined && lost === region && standingOf(stream).kind === "open") {
    await seat.update({ ...stream.config, metadata });
  }
}

function isSeatStream({ config }: { readonly config: { readonly name: string } }): boolean {
  return config.name === SEAT_STREAM;
}

/** The region that holds all of the home by a higher term. It may be fenced by now: it has everything, and takes nothing. */
function requireSeat(views: readonly RegionView[], old: AnsweringRegion): AnsweringRegion {
  const others = views.filter(({ region }) => region !== old.region);
  const later = others.filter(answers).find((each) => hasTakenOver(each, old));
  if (later === undefined) {
    const silent = others.find((each) => !answers(each));
    throw new ScriptError(
      silent?.fault ?? `no other region holds this home by a higher term than ${highestTerm(old)}: nothing was changed`,
    );
  }
  const mirror = later.streams.find((each) => standingOf(each).kind === "mirror");
  if (mirror === undefined && seatStanding(later) !== undefined) return later;
  throw new ScriptError(
    `the promotion of region ${later.region} broke off before ${mirror?.config.name}: sluice region promote ${later.region} goes on with it`,
  );
}
