import type { JetStreamManager, StreamConfig, StreamInfo } from "@nats-io/jetstream";
import { JetStreamApiError } from "@nats-io/jetstream";
import {
  type ErasedEntry,
  erasedEntrySchema,
  type PolicyEntry,
  policyEntrySchema,
} from "#shared/contract/control-entry.ts";
import { unpurgedUpTo } from "#shared/contract/home.ts";
import { MAX_ERASURES } from "../log/erasures.ts";
import {
  EPOCH_METADATA,
  erasedControlSubject,
  logStreamName,
  policyControlSubject,
} from "#shared/contract/tenant-log.ts";
import { faultOfLog } from "#shared/nats/log-faults.ts";
import { nanosOf, tagOf } from "#shared/contract/event-tag.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import type { Position } from "../event.ts";
import { sourceOf } from "./log-source.ts";

/** JetStream's code for "stream not found". */
const STREAM_NOT_FOUND = 10_059;

/**
 * A tenant's log as its leader describes it.
 * @throws {AppError} `tenant_unknown` when there is none; `unavailable` when nobody answers, or its settings would let
 * entries vanish from its middle, where no reader could notice.
 */
export async function readLogInfo(jsm: JetStreamManager, tenant: string): Promise<StreamInfo> {
  const info = await jsm.streams.info(logStreamName(tenant)).catch((error: unknown) => {
    if (error instanceof JetStreamApiError && error.code === STREAM_NOT_FOUND) {
      throw new AppError("tenant_unknown", `there is no tenant ${tenant}`, { cause: error });
    }
    throw logUnreadable(error);
  });
  if (!hasQuorum(info)) throw logUnreadable(new Error(`the stream ${info.config.name} has no leader right now`));
  const fault = faultOf(info.config);
  if (fault !== undefined) throw logUnreadable(new Error(`the stream ${info.config.name} cannot be a log: ${fault}`));
  return info;
}

/**
 * Why a stream cannot be read as a log. A mirror of the same log in another region can, and so can one that was fenced: nobody writes it
 * any more, and its settings are those of a sealed stream.
 */
function faultOf(config: StreamConfig): string | undefined {
  const source = sourceOf(config);
  if (source === "fenced") return undefined;
  const { mirror, ...own } = config;
  const isOfRegion = source === "mirror" && mirror?.name === config.name && mirror.external !== undefined;
  return faultOfLog(isOfRegion ? own : config);
}

/** The one refusal where a log cannot be read. The cause may name streams and settings: it is for the edge's own log. */
export function logUnreadable(cause: unknown): AppError {
  return new AppError("unavailable", "this tenant's log cannot be read right now", { cause });
}

/**
 * Replicas hear their leader once a second, and elect another after 4 s of silence at the earliest: a leader that has heard of
 * too few of them for this long may not be the leader any more.
 */
const MAX_SILENCE_NANOS = 3_500_000_000;

/**
 * Whether this comes from a leader that most replicas follow. A leader that is cut off still answers for a while, and so
 * does a follower without a leader; neither knows what the others store.
 */
export function hasQuorum({ config, cluster }: Pick<StreamInfo, "config" | "cluster">): boolean {
  if (config.num_replicas === 1) return true;
  const { leader, replicas = [] } = cluster ?? {};
  const followers = replicas.filter(({ name, active }) => name !== leader && active < MAX_SILENCE_NANOS).length;
  return leader !== undefined && (1 + followers) * 2 > config.num_replicas;
}

/** The random id this log was created with. */
export function epochOf({ config }: Pick<StreamInfo, "config">): string {
  return config.metadata?.[EPOCH_METADATA] ?? "";
}

/** The last policy entry, from the leader: a replica that lags behind must not decide which policy counts. */
export async function lastPolicyEntry(jsm: JetStreamManager, tenant: string): Promise<PolicyEntry | undefined> {
  const message = await jsm.streams.getMessage(logStreamName(tenant), { last_by_subj: policyControlSubject(tenant) });
  if (message === null) return undefined;
  const parsed = policyEntrySchema.safeParse(parseJson(message.string()));
  return parsed.success ? parsed.data : undefined;
}

/** Up to which entry the log may hold what its own entries say is erased. */
export function mayHoldErasedUpTo(info: StreamInfo): number {
  return sourceOf(info.config) === "original" ? unpurgedUpTo(info) : info.state.last_seq;
}

/**
 * The log's entries about erasures between two sequences, oldest first, and of very many the last ones. A mirror is purged later than its
 * origin: until then they say what nobody may be served.
 */
export async function erasuresIn(
  jsm: JetStreamManager,
  tenant: string,
  { from, last }: { readonly from: number; readonly last: number },
): Promise<ErasedEntry[]> {
  const entries: ErasedEntry[] = [];
  for (let seq = from; seq <= last; seq += 1) {
    const query = { seq, next_by_subj: erasedControlSubject(tenant) };
    const message = await jsm.streams.getMessage(logStreamName(tenant), query);
    if (message === null) break;
    const parsed = erasedEntrySchema.safeParse(parseJson(message.string()));
    if (parsed.success && message.seq <= last) entries.push(parsed.data);
    if (entries.length > MAX_ERASURES) entries.shift();
    ({ seq } = message);
  }
  return entries;
}

/** The tag of the message at `seq`; undefined where it is gone. */
export async function tagAt(jsm: JetStreamManager, tenant: string, seq: number): Promise<string | undefined> {
  if (seq === 0) return undefined;
  const message = await jsm.streams.getMessage(logStreamName(tenant), { seq });
  return message === null ? undefined : tagOf(nanosOf(message.timestamp));
}

/** The position of the entry at `seq`. */
export async function positionAt(jsm: JetStreamManager, tenant: string, seq: number): Promise<Position> {
  return { seq, tag: (await tagAt(jsm, tenant, seq)) ?? "0" };
}
