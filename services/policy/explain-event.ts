import { isSameVersion } from "#shared/contract/version.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { formatEventId } from "#shared/protocol/event-id.ts";
import { eventTypeOf } from "#shared/protocol/topics.ts";
import type { Snapshot } from "./decide/snapshot.ts";
import type { ClaimedSubject } from "./decide/trusted-subject.ts";
import type { Edges } from "./edges/edges.ts";
import type { EventHistory } from "./events/event-log.ts";
import { type EventQuestion, findEvent, type FoundEvent, type MissingEvent } from "./events/find-event.ts";
import { chainOf, type Chain } from "./explain/chain.ts";
import { type Asking, explainBy, type VersionExplanation } from "./explain/decided.ts";
import { gatherStreams, type GatherDeps } from "./explain/gather-streams.ts";
import { suggest } from "./explain/suggest.ts";
import type { SuggestTypeDeps } from "./explain/suggest-type.ts";
import type { Suggestion } from "./explain/suggestion.ts";
import type { Snapshots } from "./versions/snapshots.ts";
import type { PolicyStore } from "./versions/policy-store.ts";

/** What explaining events needs. */
export interface ExplainDeps extends GatherDeps, SuggestTypeDeps {
  readonly logs: EventHistory;
  readonly edges: Edges;
  readonly store: Pick<PolicyStore, "version" | "read">;
  readonly snapshots: Pick<Snapshots, "atLeast" | "compile">;
  readonly wall: () => number;
  /** Auth's `iss`. */
  readonly ownIssuer: string;
}

/** Who did or did not get an event, and whose word their roles and groups are. */
export interface Receiver {
  readonly subject: ClaimedSubject;
  /** The roles and groups are those that auth says they have now. */
  readonly isByAuth: boolean;
}

/** An event as the log has it now. */
interface KeptEvent extends Pick<FoundEvent, "state" | "topic" | "attributes"> {
  readonly id: string;
  readonly sequence: number;
  readonly type: string;
  readonly storedAt: string;
}

/** Why a subject did or did not get an event: when it was published, and now. */
export interface EventExplanation extends Pick<Chain, "chain" | "firstNo"> {
  readonly event: KeptEvent | MissingEvent;
  readonly suggestion?: Suggestion;
  /** The fields that it is delivered without; null where it is not delivered, or that is not known. */
  readonly masked: { readonly whenPublished: readonly string[] | null; readonly now: readonly string[] | null };
  /** By the version in force at the event's place in the log. */
  readonly whenPublished?: VersionExplanation | { readonly unknown: string };
  readonly now?: VersionExplanation;
}

/**
 * Explains what stood between an event and a person, link by link: as it was when the event was delivered live, and as it is for such an event
 * now.
 * @throws {AppError} `tenant_unknown` or `unavailable`.
 */
export async function explainEvent(
  deps: ExplainDeps,
  tenant: string,
  question: EventQuestion,
  { subject, isByAuth }: Receiver,
): Promise<EventExplanation> {
  const [found, current] = await Promise.all([findEvent(deps.logs, tenant, question), deps.snapshots.atLeast(tenant)]);
  const wall = deps.wall();
  const { topic } = found;
  const attributes = found.state === "kept" ? found.attributes : {};
  const asking = topic === undefined ? undefined : { subject, ownIssuer: deps.ownIssuer, topic, attributes };
  const now = asking && explainBy(current, asking, wall);
  const [whenPublished, gathered] = await Promise.all([
    decidedThen(deps, tenant, found, asking),
    gatherStreams(deps, { tenant, subject: subject.id }, found, isByAuth),
  ]);
  const unknown = { unknown: "the topic is not known" };
  const decided = { whenPublished: whenPublished ?? unknown, now: now ?? unknown };
  const made = chainOf({ subject: subject.id, found, ...decided, ...gathered, wall });
  const suggesting = asking && now && { found, chain: made, snapshot: current, asking, now, wall };
  const suggestion = suggesting && (await suggest(deps, suggesting));
  return {
    event: describeEvent(found),
    chain: made.chain,
    firstNo: made.firstNo,
    ...(suggestion && { suggestion }),
    masked: { whenPublished: maskIn(whenPublished), now: maskIn(now) },
    ...(found.state === "kept" && whenPublished && { whenPublished }),
    ...(found.state === "kept" && now && { now }),
  };
}

function describeEvent(found: FoundEvent | MissingEvent): KeptEvent | MissingEvent {
  if (found.state !== "kept") return found;
  const { state, epoch, seq, tag, topic, storedAt, attributes } = found;
  return {
    state,
    id: formatEventId(epoch, { seq, tag }),
    sequence: seq,
    topic,
    type: eventTypeOf(topic),
    storedAt: new Date(storedAt).toISOString(),
    attributes,
  };
}

function maskIn(decided: EventExplanation["whenPublished"]): readonly string[] | null {
  return decided === undefined || "unknown" in decided ? null : decided.mask;
}

async function decidedThen(
  deps: ExplainDeps,
  tenant: string,
  found: FoundEvent | MissingEvent,
  asking: Asking | undefined,
): Promise<EventExplanation["whenPublished"]> {
  if (found.state !== "kept" || asking === undefined) return undefined;
  const past = await snapshotAt(deps, tenant, found.seq);
  return typeof past === "string" ? { unknown: past } : explainBy(past, asking, found.storedAt);
}

/** The snapshot of the version that was in force at a place of the log, or why it is not known. */
async function snapshotAt(deps: ExplainDeps, tenant: string, seq: number): Promise<Snapshot | string> {
  const version = await deps.logs.versionAt(tenant, seq);
  if (version === undefined) return "the log does not keep the change of policy before this event any more";
  const kept = await deps.store.version(tenant, version.number);
  if (kept === undefined || !isSameVersion(kept.version, version))
    return `version ${version.number}, which was in force then, is not kept any more`;
  try {
    return await deps.snapshots.compile(tenant, kept);
  } catch (error) {
    if (error instanceof AppError && error.code === "unavailable") throw error;
    return `version ${version.number}, which was in force then, cannot be read by this release`;
  }
}
