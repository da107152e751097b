import type { StreamInfo } from "@nats-io/jetstream";
import { EPOCH_METADATA } from "#shared/contract/tenant-log.ts";
import { ORIGIN_METADATA } from "#shared/contract/home.ts";
import { isCurrent, type MirrorPlace, mirrorSettings } from "./mirror-config.ts";

/** Why a mirror is made anew: its original was, or has lost entries, or the mirror lacks some that the original has. */
export type RemakeReason = "recreated" | "lost_entries" | "lacks_entries";

/** What is to be done about a mirror. */
export type MirrorStep =
  | { readonly do: "nothing" | "make" | "update" }
  | { readonly do: "remake"; readonly reason: RemakeReason };

/**
 * Compares a stream with what this region has of it. The mirror must have been read before the original: then it has nothing that the
 * original has not, unless that has lost something.
 */
export function compareMirror(original: StreamInfo, mirror: StreamInfo | undefined, place: MirrorPlace): MirrorStep {
  if (mirror === undefined) return { do: "make" };
  // It was promoted meanwhile.
  if (mirror.config.mirror === undefined) return { do: "nothing" };
  if (isOfAnother(original, mirror)) return { do: "remake", reason: "recreated" };
  if (mirror.state.last_seq > original.state.last_seq) return { do: "remake", reason: "lost_entries" };
  return { do: isCurrent(mirror, mirrorSettings(original, place)) ? "nothing" : "update" };
}

/** A stream that was deleted and made again counts from 1; a restored one has another epoch. */
function isOfAnother({ config, created }: StreamInfo, { config: { metadata: copied = {} } }: StreamInfo): boolean {
  const epoch = config.metadata?.[EPOCH_METADATA];
  return copied[ORIGIN_METADATA] !== created || copied[EPOCH_METADATA] !== epoch;
}
