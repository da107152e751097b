import type { EventId } from "#shared/protocol/event-id.ts";
import { eventTypeOf, isTopic } from "#shared/protocol/topics.ts";
import { isSameVersion } from "#shared/contract/version.ts";
import { type Explanation, explain } from "./decide/explain.ts";
import type { Snapshot } from "./decide/snapshot.ts";
import { type ClaimedSubject, trustedSubject } from "./decide/trusted-subject.ts";
import type { EventLog, LoggedMessage, VersionLog } from "./events/event-log.ts";
import type { Snapshots } from "./versions/snapshots.ts";
import type { PolicyStore } from "./versions/policy-store.ts";

/** What explaining events needs. */
export interface ExplainDeps {
  readonly logs: EventLog & VersionLog;
  readonly store: Pick<PolicyStore, "version">;
  readonly snapshots: Pick<Snapshots, "atLeast" | "compile">;
  readonly wall: () => number;
  /** Auth's `iss`. */
  readonly ownIssuer: string;
}

/** An explanation, and the version it is by. */
export interface VersionExplanation extends Explanation {
  readonly version: number;
}

/** An event as the log has it now. */
interface KeptEvent {
  readonly state: "kept";
  readonly topic: string;
  readonly type: string;
  readonly storedAt: string;
  readonly attributes: NonNullable<LoggedMessage["attributes"]>;
}

/** Why there is no event of that id to be received by anybody. */
interface MissingEvent {
  readonly state: "other_log" | "not_there" | "gone" | "other_event" | "control" | "poison";
  readonly because: string;
}

/** Why a subject may, or may not, see an event: when it was published, and now. */
export interface EventExplanation {
  readonly event: KeptEvent | MissingEvent;
  /** By the version in force at the event's place in the log. */
  readonly whenPublished?: VersionExplanation | { readonly unknown: string };
  readonly now?: VersionExplanation;
}

/**
 * Explains the decision on one event: what the edge decides about it when it is delivered where it stands, and what it
 * decides on a later replay. `subject` has the roles and groups of a token only as far as the caller gives them.
 * @throws {AppError} `tenant_unknown` or `unavailable`.
 */
export async function explainEvent(
  deps: ExplainDeps,
  tenant: string,
  id: EventId,
  subject: ClaimedSubject,
): Promise<EventExplanation> {
  const found = await findEvent(deps.logs, tenant, id);
  if ("state" in found) return { event: found };
  const { topic, message, attributes } = found;
  const question = { of: "event", topic, attributes } as const;
  const explainBy = (snapshot: Snapshot, at: number): VersionExplanation => ({
    version: snapshot.version.number,
    ...explain(snapshot, trustedSubject(snapshot, subject, deps.ownIssuer), question, at),
  });
  const past = await snapshotAt(deps, tenant, id.position.seq);
  const current = await deps.snapshots.atLeast(tenant);
  const storedAt = new Date(message.storedAt).toISOString();
  return {
    event: { state: "kept", topic, type: eventTypeOf(topic), storedAt, attributes },
    whenPublished: typeof past === "string" ? { unknown: past } : explainBy(past, message.storedAt),
    now: explainBy(current, deps.wall()),
  };
}

async function findEvent(
  logs: EventLog,
  tenant: string,
  { epoch, position: { seq, tag } }: EventId,
): Promise<(Pick<KeptEvent, "topic" | "attributes"> & { readonly message: LoggedMessage }) | MissingEvent> {
  const log = await logs.describe(tenant);
  if (log.epoch !== epoch)
    return { state: "other_log", because: "the tenant's log was made anew after this id was given" };
  if (seq > log.last) return { state: "not_there", because: `the log ends at ${log.last}` };
  const message = seq < log.first ? undefined : await logs.read(tenant, seq);
  if (message === undefined) return { state: "gone", because: `the log keeps nothing before ${log.first} any more` };
  if (message.tag !== tag) return { state: "other_event", because: "another message stands at this place of the log" };
  const prefix = `events.${tenant}.`;
  if (!message.subject.startsWith(prefix)) return { state: "control", because: "this is not an event, but a change" };
  const topic = message.subject.slice(prefix.length);
  if (!isTopic(topic)) return { state: "poison", because: "its subject is not a topic: nobody is shown it" };
  if (!message.isText) return { state: "poison", because: "its payload is not UTF-8: nobody is shown it" };
  const { attributes } = message;
  if (attributes === undefined)
    return { state: "poison", because: "its headers are more than an event may have: nobody is shown it" };
  return { topic, message, attributes };
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
  } catch {
    return `version ${version.number}, which was in force then, cannot be read by this release`;
  }
}
