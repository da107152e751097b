import { CONNECTIONS_STREAM } from "#shared/contract/connection-log.ts";
import { HOLES_METADATA, mirroredUpTo } from "#shared/contract/home.ts";
import type { HomeStream } from "./home-stream.ts";
import type { RegionBus } from "./region-bus.ts";

/** Sequences of a stream, from the first to the last. */
export interface Stretch {
  readonly first: number;
  readonly last: number;
}

/** A stream that lacks more inside it is not asked what: its server answers with each of them. */
const MAX_LISTED = 10_000;

/** JetStream takes 128 kB of metadata for a stream. */
const MAX_TEXT = 32_768;

/**
 * What a stream lacks up to its last entry, as `1-4,9`; undefined where that is too much to be said, and of the connection log, which loses
 * its oldest entries of one person before those of another.
 */
export async function readHoles(
  bus: Pick<RegionBus, "stream">,
  stream: HomeStream,
  lost: string | undefined,
): Promise<string | undefined> {
  // A fenced original loses nothing for its age any more, and its mirror does; that it has its beginning was looked at before.
  const first_seq = lost === undefined ? 1 : stream.state.first_seq;
  if (stream.config.name === CONNECTIONS_STREAM) return undefined;
  const deleted = await readDeleted(bus, stream);
  if (deleted === undefined) return undefined;
  const stretches: Stretch[] = first_seq > 1 ? [{ first: 1, last: first_seq - 1 }] : [];
  for (const seq of deleted) {
    const before = stretches.at(-1);
    if (before !== undefined && seq === before.last + 1) stretches[stretches.length - 1] = { ...before, last: seq };
    else stretches.push({ first: seq, last: seq });
  }
  const text = stretches.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(",");
  return text.length > MAX_TEXT ? undefined : text;
}

/**
 * What a fenced original may have of that which the promoted one lacked when it was promoted. What people have erased since, and what has
 * grown too old, is none of it.
 */
export async function lackedStretches(
  bus: Pick<RegionBus, "stream">,
  original: HomeStream,
  promoted: HomeStream,
): Promise<Stretch[]> {
  const [begin, end] = [original.state.first_seq, mirroredUpTo(promoted)];
  const holes = parseHoles(promoted.config.metadata?.[HOLES_METADATA] ?? "")
    .map(({ first, last }) => ({ first: Math.max(first, begin), last: Math.min(last, end) }))
    .filter(({ first, last }) => first <= last);
  if (holes.length === 0) return [];
  const gone = new Set(await readDeleted(bus, original));
  return holes.filter((hole) => hasOther(hole, gone));
}

function parseHoles(text: string): Stretch[] {
  return Array.from(text.matchAll(/(\d+)(?:-(\d+))?/g), ([, first, last = first]) => {
    return { first: Number(first), last: Number(last) };
  });
}

/** Whether a sequence of the stretch is none of these. */
function hasOther({ first, last }: Stretch, sequences: ReadonlySet<number>): boolean {
  for (let seq = first; seq <= last; seq += 1) if (!sequences.has(seq)) return true;
  return false;
}

/** The sequences inside a stream that it lacks, in their order; undefined where they are too many. */
async function readDeleted(
  bus: Pick<RegionBus, "stream">,
  { config, state: { num_deleted } }: HomeStream,
): Promise<readonly number[] | undefined> {
  if (num_deleted === 0) return [];
  if (num_deleted > MAX_LISTED) return undefined;
  return (await bus.stream(config.name, { deleted_details: true }))?.state.deleted;
}
