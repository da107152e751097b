import type { Command } from "commander";
import { standingOf } from "../../failover/home-stream.ts";
import { readRegions } from "../../failover/regions.ts";
import { findSickReplicas, type SickReplica } from "../../failover/sick-replicas.ts";
import {
  answers,
  type AnsweringRegion,
  highestTerm,
  isSeat,
  type RegionView,
  seatStanding,
  viewHome,
} from "../../failover/view-home.ts";
import { createCommand, type Terminal } from "../../shared/command.ts";
import { tableOf } from "../../shared/table.ts";
import { WHERE } from "./tell-steps.ts";

/** A mirror that heard its original so long ago is behind, whatever its lag says. */
const LIVE_MS = 2_000;

/** What a region has of a home. */
interface RegionState {
  readonly region: string;
  readonly state: "seat" | "mirror" | "fenced" | "half_fenced" | "half_promoted" | "nothing" | "silent";
  readonly term: number | null;
  readonly streams: number;
  /** How long ago the mirror that has heard nothing for longest heard its original, in milliseconds; null where none mirrors. */
  readonly silentMs: number | null;
  /** The originals that have no mirror in this region, where both can be asked. */
  readonly missing: readonly string[];
  /** How many entries the originals have that this region has not, where both can be asked. */
  readonly behind: number | null;
  /** Replicas that do not follow, each with its server. */
  readonly sick: readonly SickReplica[];
  readonly fault?: string;
}

/** `sluice region status`: where a home's seat is, and how its mirrors are. */
export function statusCommand(terminal: Terminal): Command {
  return createCommand("status", {
    summary: "show where a home's seat is, and how far its mirrors are behind",
    description: `Shows for each region what it has of a home: the seat, which takes what is written; a mirror, and how long ago it heard the seat; or originals that are fenced. What a promotion now could lose is what the mirrors have not. With a link that is cut nobody knows how much that is: then it is what came in the time that the mirrors have heard nothing.

Each server of a region is asked whether its replicas follow: a mirror may be level on one of three servers alone, and nobody who reads it notices.

Ends with 1 where no region has the seat, where two have it, where a region or a mirror is silent, and where a replica does not follow.

${WHERE}`,
    examples: ["npx sluice region status", "npx sluice region status --json"],
  }).action(async () => {
    await using owner = new AsyncDisposableStack();
    const views = await viewHome(readRegions(terminal.env), owner);
    const states = await Promise.all(views.map((view) => stateOf(view, views)));
    terminal.print({ regions: states }, () => {
      const head = ["region", "has", "term", "streams", "heard the seat", "behind"];
      terminal.say(tableOf([head, ...states.map(rowOf)]));
      for (const { fault } of states) if (fault !== undefined) terminal.warn(fault);
    });
    for (const fault of faultsOf(states)) terminal.warn(fault);
    if (faultsOf(states).length > 0 || states.some(({ fault }) => fault !== undefined)) terminal.endWith(1);
  });
}

async function stateOf(view: RegionView, views: readonly RegionView[]): Promise<RegionState> {
  const { region } = view;
  if (!answers(view)) {
    return {
      region,
      state: "silent",
      term: null,
      streams: 0,
      silentMs: null,
      missing: [],
      behind: null,
      sick: [],
      fault: view.fault,
    };
  }
  const { sick, silent: mute } = await findSickReplicas(view.bus, view.bus.account);
  const heard = view.streams.flatMap(({ mirror }) => (mirror === undefined ? [] : [mirror.active]));
  const silent = heard.includes(-1) ? Number.POSITIVE_INFINITY : Math.max(...heard) / 1e6;
  return {
    region,
    state: kindOf(view),
    term: highestTerm(view) || null,
    streams: view.streams.length,
    silentMs: heard.length === 0 ? null : Math.round(Math.min(silent, Number.MAX_SAFE_INTEGER)),
    ...comparedWith(originOf(view, views), view),
    sick,
    ...(mute.length > 0 && { fault: `${mute.join(", ")} in region ${region} ${MUTE}` }),
  };
}

function kindOf(view: AnsweringRegion): RegionState["state"] {
  const seat = seatStanding(view);
  if (seat === undefined) return "nothing";
  const kinds = new Set(view.streams.map((each) => standingOf(each).kind));
  if (isSeat(view)) return "seat";
  if (seat.kind === "mirror") return kinds.has("open") ? "half_promoted" : "mirror";
  return seat.kind === "fenced" && !kinds.has("open") ? "fenced" : "half_fenced";
}

/** The region that this one mirrors, where it answers. */
function originOf(view: AnsweringRegion, views: readonly RegionView[]): AnsweringRegion | undefined {
  const seat = seatStanding(view);
  if (seat?.kind !== "mirror") return undefined;
  return views.filter(answers).find(({ region }) => region === seat.of);
}

function comparedWith(
  origin: AnsweringRegion | undefined,
  view: AnsweringRegion,
): Pick<RegionState, "missing" | "behind"> {
  if (origin === undefined) return { missing: [], behind: null };
  const here = new Map(view.streams.map((each) => [each.config.name, each]));
  const missing = origin.streams.map(({ config }) => config.name).filter((name) => !here.has(name));
  const behind = origin.streams.map(
    ({ config, state }) => state.last_seq - (here.get(config.name)?.state.last_seq ?? 0),
  );
  return { missing, behind: behind.reduce((sum, entries) => sum + Math.max(0, entries), 0) };
}

function rowOf({ region, state, term, streams, silentMs, behind }: RegionState): string[] {
  const heard = silentMs === null ? "" : silentMs > 1e12 ? "never" : `${(silentMs / 1_000).toFixed(1)} s ago`;
  return [region, state.replace("_", " "), String(term ?? ""), String(streams), heard, String(behind ?? "")];
}

function faultsOf(states: readonly RegionState[]): string[] {
  const seats = states.filter(({ state }) => state === "seat");
  const names = seats.map(({ region, term }) => `${region} (term ${term})`).join(" and ");
  const faults = seats.length < 2 ? [] : [`regions ${names} both take events: ${adviceOn(seats)}`];
  for (const { region, sick } of states) faults.push(...sick.slice(0, 3).map((each) => sicknessOf(region, each)));
  for (const { region, state, missing } of states) {
    const advice = `auth and policy of the home in region ${region} make mirrors`;
    if (state === "nothing") faults.push(`region ${region} has nothing of this home: ${advice}`);
    else if (missing.length > 0)
      faults.push(`${missing.slice(0, 3).join(", ")} has no mirror in region ${region} yet: ${advice}`);
  }
  if (seats.length === 0) faults.push(`no region that answers takes anything for this home${promotable(states)}`);
  const half = states.filter(({ state }) => state === "half_promoted");
  faults.push(...half.map(({ region }) => `a promotion broke off: sluice region promote ${region} goes on with it`));
  const quiet = states.filter(({ silentMs }) => silentMs !== null && silentMs > LIVE_MS);
  faults.push(
    ...quiet.map(({ region }) => `the mirrors in region ${region} do not hear the seat: see that the link is open`),
  );
  return faults;
}

const MUTE =
  "does not say how its replicas are: see that it runs, with the configuration that sluice bus prepare writes";

function sicknessOf(region: string, { server, stream, error }: SickReplica): string {
  return `the replica of ${stream} on ${server} in region ${region} does not follow (${error}): where it stays so and is a mirror's, delete the mirror there, and it is made anew`;
}

/** Of equal terms no command knows which region was given up. */
function adviceOn(seats: readonly RegionState[]): string {
  const isEqual = seats.every(({ term }) => term === seats[0]?.term);
  const first = isEqual ? "sluice region fence ends the one that a person gives up, then " : "";
  return `${first}sluice region rejoin closes the one that was given up`;
}

/** What goes on with a promotion that broke off behind the fence. */
function promotable(states: readonly RegionState[]): string {
  const mirror = states.find(({ state }) => state === "mirror");
  const isFenced = states.some(({ state }) => state === "fenced" || state === "half_fenced");
  return mirror !== undefined && isFenced ? `: sluice region promote ${mirror.region} has it taken there` : "";
}
