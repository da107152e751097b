import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from "@nats-io/jetstream";
import { EPOCH, EPOCH_METADATA } from "#shared/contract/tenant-log.ts";

/** A setting that a tenant's log must not have, because events would be lost or hidden where no reader can notice. */
export interface LogFault {
  readonly isIn: (config: StreamConfig) => boolean;
  /** The setting and its value, in a few words. */
  readonly reason: string;
  /** The settings that mend it. Absent where JetStream refuses the update, or where only a person may decide. */
  readonly repair?: LogRepair;
}

/** Settings to change; undefined takes a setting out. */
export type LogRepair = { readonly [Setting in keyof StreamConfig]?: StreamConfig[Setting] | undefined };

/** The contract's largest event. A log that takes only smaller ones loses those that its producers were promised. */
const MAX_EVENT_BYTES = 1024 * 1024;

/** Every fault of a log's settings. Whether one can be repaired was tried on NATS 2.15. */
export const LOG_FAULTS: readonly LogFault[] = [
  {
    isIn: ({ metadata }) => !EPOCH.test(metadata?.[EPOCH_METADATA] ?? ""),
    reason: `its metadata has no ${EPOCH_METADATA} of 8 to 32 of the characters A-Z a-z 0-9 _ -`,
  },
  // A mirror becomes a log of its own only by a person's decision.
  { isIn: ({ mirror }) => mirror !== undefined, reason: "it mirrors another stream" },
  { isIn: ({ sealed }) => sealed, reason: "it is sealed" },
  { isIn: ({ storage }) => storage !== StorageType.File, reason: "storage is not file" },
  { isIn: ({ retention }) => retention !== RetentionPolicy.Limits, reason: "retention is not limits" },
  {
    isIn: ({ discard }) => discard !== DiscardPolicy.Old,
    reason: "discard is not old",
    repair: { discard: DiscardPolicy.Old, discard_new_per_subject: false },
  },
  { isIn: ({ allow_direct }) => !allow_direct, reason: "allow_direct is off", repair: { allow_direct: true } },
  { isIn: ({ deny_delete }) => !deny_delete, reason: "deny_delete is off", repair: { deny_delete: true } },
  {
    isIn: ({ max_msgs_per_subject }) => max_msgs_per_subject > 0,
    reason: "max_msgs_per_subject is set",
    repair: { max_msgs_per_subject: -1 },
  },
  { isIn: ({ allow_msg_ttl }) => allow_msg_ttl === true, reason: "allow_msg_ttl is on" },
  { isIn: ({ allow_msg_counter }) => allow_msg_counter, reason: "allow_msg_counter is on" },
  { isIn: ({ allow_msg_schedules }) => allow_msg_schedules === true, reason: "allow_msg_schedules is on" },
  {
    isIn: ({ allow_rollup_hdrs }) => allow_rollup_hdrs,
    reason: "allow_rollup_hdrs is on",
    repair: { allow_rollup_hdrs: false },
  },
  {
    isIn: ({ allow_batched }) => allow_batched === true,
    reason: "allow_batched is on",
    repair: { allow_batched: false },
  },
  { isIn: ({ no_ack }) => no_ack === true, reason: "no_ack is on", repair: { no_ack: false } },
  {
    isIn: ({ subject_transform }) => subject_transform !== undefined,
    reason: "subject_transform is set",
    repair: { subject_transform: undefined },
  },
  {
    isIn: ({ sources = [] }) => sources.length > 0,
    reason: "it takes in messages of other streams (sources)",
    repair: { sources: undefined },
  },
  {
    isIn: ({ max_msg_size }) => max_msg_size > 0 && max_msg_size < MAX_EVENT_BYTES,
    reason: `max_msg_size is below ${MAX_EVENT_BYTES}`,
    repair: { max_msg_size: -1 },
  },
];

/** Why a stream cannot be a tenant's log: the first fault of its settings; undefined where there is none. */
export function faultOfLog(config: StreamConfig): string | undefined {
  return LOG_FAULTS.find(({ isIn }) => isIn(config))?.reason;
}
