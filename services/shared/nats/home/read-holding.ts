import {
  JetStreamApiCodes,
  JetStreamApiError,
  jetstreamManager,
  type JetStreamManager,
  type StreamInfo,
} from "@nats-io/jetstream";
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

/** What a stream says of the place of its home. */
export function holdingOf({ config: { metadata = {}, mirror } }: Pick<StreamInfo, "config">): Holding {
  const term = Number(metadata[TERM_METADATA] ?? 1);
  const [, origin] = /^\$JS\.([^.]+)\.API$/.exec(mirror?.external?.api ?? "") ?? [];
  if (mirror !== undefined) return { holds: "mirror", of: origin ?? "", term };
  const lost = metadata[LOST_METADATA];
  const holds = metadata[FENCED_METADATA] === undefined ? "originals" : "fenced";
  return { holds, term, ...(lost === undefined ? {} : { lost }) };
}

/** Undefined for a stream that JetStream says is not there; throws every other failure. */
export function undefinedIfMissing(error: unknown): undefined {
  if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return undefined;
  throw error;
}
