import { JetStreamApiCodes, JetStreamApiError, jetstreamManager, type JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { FENCED_METADATA, LOST_METADATA, SEAT_STREAM, TERM_METADATA } from "#shared/contract/home.ts";

/** How long JetStream of either region may take to answer. */
const TIMEOUT_MS = 2_000;

/**
 * What a region holds of a home: its originals, originals that another region has superseded, a mirror, or nothing. `lost` is the
 * region without which the originals were promoted, by a person's word.
 */
export type Holding =
  | { readonly holds: "originals" | "fenced"; readonly term: number; readonly lost?: string }
  | { readonly holds: "mirror"; readonly of: string; readonly term: number }
  | { readonly holds: "nothing" };

/** JetStream of a region, asked from this one; the region of the connection where none is named. */
export function jetStreamOf(
  nats: NatsConnection,
  region?: string,
  { timeoutMs = TIMEOUT_MS } = {},
): Promise<JetStreamManager> {
  const domain = region === undefined ? {} : { domain: region };
  return jetstreamManager(nats, { checkAPI: false, timeout: timeoutMs, ...domain });
}

/**
 * Reads what a region holds of the home whose account the connection is in.
 * @throws what the client of NATS throws when the region does not answer.
 */
export async function readHolding({ streams }: JetStreamManager): Promise<Holding> {
  const info = await streams.info(SEAT_STREAM).catch(undefinedIfMissing);
  return info === undefined ? { holds: "nothing" } : holdingOf(info);
}

/** Where a home is written: here, or in another region, which nobody names where it is fenced here. */
export type HomeSeat = { readonly is: "here" } | { readonly is: "elsewhere"; readonly region: string | undefined };

/** Where the home is written whose stream says this. */
export function seatIn(stream: Described): HomeSeat {
  const holding = holdingOf(stream);
  if (holding.holds === "mirror") return { is: "elsewhere", region: holding.of };
  return holding.holds === "fenced" ? { is: "elsewhere", region: undefined } : { is: "here" };
}

/** A stream, as far as it tells of the place of its home. */
interface Described {
  readonly config: {
    readonly metadata?: Readonly<Record<string, string>> | undefined;
    readonly mirror?: { readonly external?: { readonly api: string } | null | undefined } | null | undefined;
  };
}

/** What a stream says of the place of its home. */
export function holdingOf({ config: { metadata = {}, mirror } }: Described): Exclude<Holding, { holds: "nothing" }> {
  const term = Number(metadata[TERM_METADATA] ?? 1);
  const [, origin] = /^\$JS\.([^.]+)\.API$/.exec(mirror?.external?.api ?? "") ?? [];
  if (mirror !== undefined && mirror !== null) return { holds: "mirror", of: origin ?? "", term };
  const lost = metadata[LOST_METADATA];
  const holds = metadata[FENCED_METADATA] === undefined ? "originals" : "fenced";
  return { holds, term, ...(lost === undefined ? {} : { lost }) };
}

/** Undefined for a stream that JetStream says is not there; throws every other failure. */
export function undefinedIfMissing(error: unknown): undefined {
  if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return undefined;
  throw error;
}
