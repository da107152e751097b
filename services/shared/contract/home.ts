/**
 * A home is a set of tenants with everything of theirs: logs, buckets, the audit trail. It is written in one region, its seat; the
 * other region has a mirror of each stream, with the same name. Where the seat is, this stream tells and nothing else.
 */
export const SEAT_STREAM = "KV_sluice_policy";

/** The stream metadata of an original that takes nothing more: another region has taken the home over, or is about to. */
export const FENCED_METADATA = "sluice_fenced";

/** The stream metadata that orders claims to a home: 1 at first, one more with each promotion. Without it, 1. */
export const TERM_METADATA = "sluice_term";

/** The stream metadata of a fenced original: when its home was fenced, by the servers' clock (ISO 8601). */
export const FENCED_AT_METADATA = "sluice_fenced_at";

/** The stream metadata of a fenced original that holds, as JSON, the settings that the fence has changed. */
export const BEFORE_FENCE_METADATA = "sluice_before";

/** The stream metadata of a promoted original: the last entry that it had of the one before. */
export const MIRRORED_METADATA = "sluice_mirrored";

/** The last entry that a stream shares with the one whose mirror it was; 0 of one that never was a mirror. */
export function mirroredUpTo({ config: { metadata = {} } }: WithMetadata): number {
  return Number(metadata[MIRRORED_METADATA] ?? 0);
}

interface WithMetadata {
  readonly config: { readonly metadata?: Readonly<Record<string, string>> | undefined };
}

/** The stream metadata of a promoted original: what it lacked when it was promoted, up to its last mirrored entry, as `1-4,9`. */
export const HOLES_METADATA = "sluice_holes";

/** The stream metadata of a promoted original: the region that a person has said is lost. The home is served without asking it. */
export const LOST_METADATA = "sluice_lost";

/**
 * Up to which entry a log may hold what its own entries say is erased: purges are not mirrored, and a mirror that was promoted without its
 * original may not have been purged before. 0 of any other log: there each erasure is purged before the next is announced.
 */
export function unpurgedUpTo(stream: WithMetadata): number {
  return stream.config.metadata?.[LOST_METADATA] === undefined ? 0 : mirroredUpTo(stream);
}

/** What an original says of itself alone: none of its mirrors says it. */
export const OWN_METADATA: ReadonlySet<string> = new Set([
  FENCED_METADATA,
  FENCED_AT_METADATA,
  BEFORE_FENCE_METADATA,
  MIRRORED_METADATA,
  HOLES_METADATA,
  LOST_METADATA,
]);

/** The stream metadata of a mirror that says which original it copies: when that was made. */
export const ORIGIN_METADATA = "sluice_origin";

/** The durable consumer by which the mirrors in that region read their originals. */
export function mirrorConsumer(region: string): string {
  return `mirror_${region}`;
}

/** Where that consumer delivers what a mirror is to have. */
export function mirrorSubject(region: string, stream: string): string {
  return `mirror.${region}.${stream}`;
}

/** The prefix of JetStream's calls in a region: its domain has the region's name. */
export function regionApi(region: string): string {
  return `$JS.${region}.API`;
}

/** The streams that auth alone makes and reads. Each service keeps the mirrors of its own streams: policy those of all others. */
export const AUTH_STREAMS = ["KV_sluice_keys", "KV_sluice_revoked", "KV_sluice_clients", "AUDIT"] as const;
