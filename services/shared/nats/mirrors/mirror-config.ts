import { DiscardPolicy, type StreamConfig, type StreamInfo } from "@nats-io/jetstream";
import { isDeepStrictEqual } from "node:util";
import { mirrorConsumer, mirrorSubject, ORIGIN_METADATA, OWN_METADATA, regionApi } from "#shared/contract/home.ts";
import { settingsBeforeFence } from "../settings-before-fence.ts";

/** A mirror's settings that are those of its original. A mirror has no subjects, and takes no batches. */
const COPIED = [
  "description",
  "storage",
  "retention",
  "discard",
  "max_age",
  "max_msgs",
  "max_msg_size",
  "max_msgs_per_subject",
  "duplicate_window",
  "compression",
  "allow_direct",
  "allow_rollup_hdrs",
  "deny_delete",
  "deny_purge",
] as const satisfies readonly (keyof StreamConfig)[];

/** Where a mirror is, where its original is, and how many servers are to have it. */
export interface MirrorPlace {
  readonly here: string;
  readonly origin: string;
  readonly replicas: number;
}

/** The settings of a stream's mirror that may change while it lives. */
export function mirrorSettings(
  { config: stored, created }: StreamInfo,
  { replicas }: MirrorPlace,
): Partial<StreamConfig> {
  // A fence denies purges, and no stream that has taken that on loses it again.
  const config = { ...stored, ...settingsBeforeFence(stored) } as StreamConfig;
  const metadata = Object.fromEntries(
    Object.entries(config.metadata ?? {}).filter(([key]) => key.startsWith("sluice_") && !OWN_METADATA.has(key)),
  );
  const isBounded = config.discard === DiscardPolicy.Old;
  return {
    ...Object.fromEntries(COPIED.filter((key) => config[key] !== undefined).map((key) => [key, config[key]])),
    // A full bucket refuses what comes. Its mirror would stand still from then on, until the original's new size is known here.
    max_bytes: isBounded ? config.max_bytes : -1,
    num_replicas: replicas,
    metadata: { ...metadata, [ORIGIN_METADATA]: created },
  };
}

/** The settings that make a stream's mirror. */
export function newMirror(original: StreamInfo, place: MirrorPlace): object {
  const { name } = original.config;
  const deliver_subject = mirrorSubject(place.here, name);
  return {
    ...mirrorSettings(original, place),
    name,
    mirror: {
      name,
      external: { api: regionApi(place.origin), deliver: "" },
      consumer: { name: mirrorConsumer(place.here), deliver_subject },
    },
  };
}

/** The consumer at the origin that feeds a mirror. A mirror without one needs half a minute longer after each cut. */
export function feedingConsumer(stream: string, { here }: Pick<MirrorPlace, "here">): object {
  const name = mirrorConsumer(here);
  return {
    stream_name: stream,
    config: {
      name,
      durable_name: name,
      deliver_subject: mirrorSubject(here, stream),
      deliver_policy: "all",
      ack_policy: "flow_control",
      flow_control: true,
      idle_heartbeat: 1_000_000_000,
      max_ack_pending: 10_000,
    },
  };
}

/** Whether a mirror's settings are what the original's are by now. */
export function isCurrent(mirror: StreamInfo, wanted: Partial<StreamConfig>): boolean {
  const { metadata: found = {}, ...config } = mirror.config;
  const { metadata = {}, ...settings } = wanted;
  const own = Object.fromEntries(Object.entries(found).filter(([key]) => key.startsWith("sluice_")));
  return (
    isDeepStrictEqual(own, metadata) &&
    Object.entries(settings).every(([key, value]) => isDeepStrictEqual(config[key as keyof typeof config], value))
  );
}
