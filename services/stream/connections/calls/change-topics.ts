import type { CallContext } from "#shared/async/call-context.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { formatEventId } from "#shared/protocol/event-id.ts";
import { requireLiveSession } from "../../access/live-session.ts";
import type { Identity, TopicGrant } from "../../access/registration.ts";
import type { Observer } from "../../observe/observer.ts";
import type { ShareTopics } from "../../access/share-topic-lists.ts";
import { type HandshakeDeps, prepareTopics, replaceTopics } from "../../access/verify.ts";
import { type PlannedChange, StreamTopics, type TopicChange } from "../../subscription/stream-topics.ts";
import type { Stream } from "../hub.ts";
import { type KeepTopicsDeps, keepTopics } from "../keep-topics.ts";
import { TopicChanges } from "../topic-changes.ts";

/** Asks that the stream's topics change. */
export interface ChangeTopicsCall extends TopicChange {
  readonly kind: "topics";
}

/** The topics that are in force now. Those that the change added count behind `effectiveFrom`. */
export interface TopicsAnswer {
  readonly topics: readonly TopicGrant[];
  readonly effectiveFrom: string;
}

/** The edge, as far as a change of topics uses it. */
export interface ChangeTopicsDeps extends HandshakeDeps, KeepTopicsDeps {
  readonly observer: Pick<Observer, "fault" | "topicsChanged">;
  readonly shareTopics: ShareTopics;
}

/**
 * Changes the topics of an open stream, and answers once the change is in force: from then on nothing of a removed topic is written, and of
 * an added one everything behind `effectiveFrom` and nothing before. The client is sent the same in its stream, before any event of
 * an added topic.
 * @throws {AppError} `malformed_topic`, `limit_exceeded`, `too_many_requests`, `session_ended`; `not_found` when the stream ended
 * meanwhile or another one of its client has replaced it; `unavailable`, when a kept change may come into force with the next stream.
 */
export async function changeTopics(
  stream: Stream,
  identity: Identity,
  change: TopicChange,
  deps: ChangeTopicsDeps,
  context?: CallContext,
): Promise<TopicsAnswer> {
  const { reader } = stream;
  if (reader.durable !== undefined) {
    throw new AppError("malformed_request", "the topics are those of the durable subscription: change that");
  }
  const changes = (reader.changes ??= new TopicChanges(new StreamTopics(new Set(reader.registration.topics))));
  changes.admit(deps.now());
  // The stream would have ended with its own session.
  if (identity.sid !== reader.registration.identity.sid) await requireLiveSession(identity, deps, context);
  return changes.inOrder(() => carryOut(stream, changes, change, deps));
}

/** Returns the topics to their URL's, where that changes any. Throws as `changeTopics` does. */
export async function resetTopics(stream: Stream, deps: ChangeTopicsDeps): Promise<void> {
  const { changes } = stream.reader;
  await changes?.inOrder(async () => {
    changes.isKept = false;
    await carryOut(stream, changes, changes.topics.reset, deps);
  });
}

async function carryOut(
  stream: Stream,
  changes: TopicChanges,
  change: TopicChange,
  deps: ChangeTopicsDeps,
): Promise<TopicsAnswer> {
  const { reader, tenant } = stream;
  const { log } = tenant;
  const planned = changes.topics.plan(change);
  if (planned === undefined) {
    const { topicGrants: topics } = reader.registration;
    return { topics, effectiveFrom: changes.topics.latestOf(change.add) ?? formatEventId(log.epoch, reader.cursor) };
  }
  requireTenantRoom(planned, stream);
  const topics = deps.shareTopics(planned.topics);
  await prepareTopics(reader.registration, tenant, topics, deps);
  requireOpen(stream);
  const from = reader.hold();
  const [effectiveFrom, { generation }] = [formatEventId(log.epoch, from), log];
  const next = changes.topics.after(planned, effectiveFrom);
  let isInForce = false;
  try {
    await keepTopics(reader, changes.topics.keptChange(planned, effectiveFrom), next, deps);
    // No await from here on: what is answered is in force, and nothing was written in between.
    requireOpen(stream);
    if (log.generation !== generation) throw logBeganAnew(changes);
    changes.topics = next;
    replaceTopics(reader.registration, tenant, topics, deps);
    reader.lastActiveAt = deps.now();
    reader.sendSubscription(undefined, from);
    deps.observer.topicsChanged(changes.claim !== undefined);
    isInForce = true;
    return { topics: reader.registration.topicGrants, effectiveFrom };
  } finally {
    reader.release(isInForce ? planned.added : [], from);
  }
}

function requireTenantRoom({ topics, added }: PlannedChange, { tenant }: Stream): void {
  const { topicsPerStream = Number.POSITIVE_INFINITY } = tenant.decisions.limits;
  if (added.length === 0 || topics.length <= topicsPerStream) return;
  throw new AppError("limit_exceeded", `a stream of this tenant may have ${topicsPerStream} topics`);
}

function requireOpen({ reader }: Stream): void {
  if (reader.ended) throw new AppError("not_found", "the stream has ended");
}

function logBeganAnew(changes: TopicChanges): AppError {
  changes.isKept = false;
  return new AppError("unavailable", "the log began anew meanwhile; try again");
}
