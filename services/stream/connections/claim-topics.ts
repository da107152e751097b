import { hash } from "node:crypto";
import { type EventId, parseEventId } from "#shared/protocol/event-id.ts";
import type { Registration } from "../access/registration.ts";
import { commonWith, faultOf, type LogView, type Start } from "../log/resume.ts";
import type { LateTopics } from "../subscription/late-topics.ts";
import type { Subscription } from "../subscription/parse-subscription.ts";
import { StreamTopics } from "../subscription/stream-topics.ts";
import type { TopicStore } from "../subscription/topic-store.ts";
import { TopicChanges } from "./topic-changes.ts";

/** A client's topics as its last stream left them. */
export interface ClaimedTopics {
  readonly changes: TopicChanges;
  /** Whether they were kept; otherwise they are those of the URL. */
  readonly isRestored: boolean;
  /** Whether another stream may have held them until now. */
  readonly wereHeld: boolean;
}

/**
 * Claims the topics that are kept for the client of a stream that is being opened: an earlier stream cannot change them any more.
 * Undefined for a stream without a client id.
 * @throws {AppError} `unavailable`: without its record a client would silently get fewer topics than it has added.
 */
export async function claimTopics(
  store: TopicStore | undefined,
  { identity, topics }: Registration,
  subscription: Subscription,
): Promise<ClaimedTopics | undefined> {
  // A durable subscription has its topics in its record.
  if (subscription.client === undefined || subscription.durable !== undefined) return undefined;
  const ofUrl = new Set(topics);
  if (store === undefined) {
    return { changes: new TopicChanges(new StreamTopics(ofUrl)), isRestored: false, wereHeld: false };
  }
  const client = { tenant: identity.tenant, subject: identity.subject.id, client: subscription.client };
  const base = baseOf(subscription);
  const { generation, kept, wasHeld } = await store.claim(client, base);
  const changes = new TopicChanges(new StreamTopics(ofUrl, kept), { client, base, generation });
  return { changes, isRestored: kept !== undefined, wereHeld: wasHeld };
}

/** What the URL asks for. A resource counts by its path: the routes that map it may change. */
function baseOf({ topics, resources }: Subscription): string {
  return hash("sha256", JSON.stringify([topics, resources.toSorted()]), "base64url").slice(0, 22);
}

/**
 * Which added topics do not count yet where the stream starts: it resumes before they were added, or this edge has not read so far. Where
 * the log has lost that position, they count from the start.
 */
export async function findLate(
  log: LogView,
  { topics }: TopicChanges,
  { position }: Start,
): Promise<LateTopics | undefined> {
  const late = new Map<string, number>();
  const found = new Map<string, Promise<number | undefined>>();
  for (const [topic, from] of topics.added) {
    const id = parseEventId(from);
    if (id === undefined || id.position.seq <= position.seq) continue;
    const finding = found.get(from) ?? seqOf(log, id);
    found.set(from, finding);
    const seq = await finding;
    if (seq !== undefined && seq > position.seq) late.set(topic, seq);
  }
  return late.size === 0 ? undefined : late;
}

/** The sequence of an id in the log, also where the log was promoted since; undefined where it has lost that position. */
async function seqOf(log: LogView, id: EventId): Promise<number | undefined> {
  const fault = await faultOf(log, id);
  if (fault === "epoch") return (await commonWith(log, id))?.seq;
  return fault === undefined ? id.position.seq : undefined;
}
