import type { CallContext } from "#shared/async/call-context.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { identityOf, Registration } from "./access/registration.ts";
import type { ShareTopics } from "./access/share-topic-lists.ts";
import type { VerifiedClaims } from "#shared/tokens/verified-claims.ts";
import { clientLeft, type HandshakeDeps, requireValid, verifyInTime } from "./access/verify.ts";
import type { Admission, Place, StreamOwner } from "./admission/admission.ts";
import {
  type Attached,
  attachHold,
  noSuchSubscription,
  requireNoCallback,
  type HoldStart,
  startOf,
} from "./connections/attach-hold.ts";
import { beginHold } from "./connections/begin-hold.ts";
import { FAULT } from "./connections/end-stream.ts";
import type { Subscriptions } from "./connections/subscriptions.ts";
import { factsOf, openedRecord } from "./connections/record-stream.ts";
import { releaseStream } from "./connections/release-stream.ts";
import { followTransport, type FollowTransportDeps } from "./connections/follow-transport.ts";
import type { Hub, Stream } from "./connections/hub.ts";
import { type ClaimedTopics, claimTopics, findLate } from "./connections/claim-topics.ts";
import type { AnnounceTopics, ClientStreams } from "./connections/client-streams.ts";
import type { KeepAliveDeps } from "./connections/keep-alive.ts";
import type { StreamPresence } from "./connections/presence/stream-presence.ts";
import { Reader } from "./connections/reader.ts";
import { requireWholeScope } from "./connections/require-whole-scope.ts";
import { readyOf } from "./connections/ready-of.ts";
import { originOf } from "./connections/stream-origin.ts";
import type { StreamRequest } from "./connections/stream-request.ts";
import type { ReaderDeps } from "./connections/reader-state.ts";
import type { Tenant } from "./connections/tenant.ts";
import { atCurrentStart } from "./log/at-current-start.ts";
import { findStart, resumeKindOf } from "./log/resume.ts";
import type { Observer } from "./observe/observer.ts";
import { beginStream } from "./observe/stream-trace.ts";
import type { Tracer } from "#shared/trace/tracer.ts";
import type { OverloadGuard } from "./overload/overload-guard.ts";
import type { RetryDelays } from "./sse/retry-delay.ts";
import type { LateTopics } from "./subscription/late-topics.ts";
import { parseSubscription, type Subscription } from "./subscription/parse-subscription.ts";
import type { TopicStore } from "./subscription/topic-store.ts";
import { type MapResource, topicsOf } from "./subscription/topics-of.ts";
import { askerOf, type Transports } from "./transports/transports.ts";

/** The edge, as far as opening a stream uses it. */
export interface Edge extends ReaderDeps, KeepAliveDeps, HandshakeDeps, FollowTransportDeps {
  readonly admission: Admission;
  /** A tenant's name in counts that the homes of an edge share. */
  readonly nameOf: (tenant: string) => string;
  readonly overload: OverloadGuard;
  readonly retryDelays: RetryDelays;
  readonly transports: Transports;
  readonly hub: Hub;
  readonly mapResource: MapResource;
  readonly shareTopics: ShareTopics;
  /** Undefined where no topics are kept. */
  readonly topicStore: TopicStore | undefined;
  readonly clientStreams: ClientStreams;
  readonly announceTopics: AnnounceTopics;
  readonly subscriptions: Subscriptions;
  /** A fresh id, `<worker id>-<random>`. */
  readonly newConnectionId: () => string;
  readonly presence: StreamPresence;
  readonly observer: Observer;
  readonly tracer: Tracer;
}

/**
 * THE REQUEST WAY, from a request to a live stream.
 *
 *     enter → find token → parse subscription → verify token → register → identify → find topics, claim the client's
 *           → ask session and grant → attach the durable subscription → find start → admit → accept
 *           → ready → catch up → live
 *
 * Every failure before `accept` is an AppError for the caller. The connection is registered with its tenant before auth and
 * policy are asked: a revoke that comes meanwhile finds it. Returns once the stream has begun: an open stream keeps nothing
 * of its request in memory.
 */
export async function openStream(edge: Edge, request: StreamRequest): Promise<void> {
  const askedAt = edge.now();
  const place = edge.admission.enter();
  try {
    const { subscription, verifyToken } = readRequest(edge, request);
    const claims = await verifyToken();
    const context = { requestId: request.id, traceparent: request.traceparent, signal: request.signal };
    const id = edge.newConnectionId();
    const registration = new Registration(identityOf(claims), subscription.topics, id);
    const tenant = await edge.hub.register(registration);
    let attached: Attached | undefined;
    try {
      const owner = ownerOf(edge, registration, request, subscription);
      edge.admission.identify(owner, tenant.decisions.currentLimits);
      const topics = await topicsFor(edge, claims, subscription, context);
      registration.replaceTopics(edge.shareTopics(topics), undefined);
      const claimed = await claimTopics(edge.topicStore, registration, subscription);
      if (claimed !== undefined) registration.replaceTopics(edge.shareTopics(claimed.changes.topics.all), undefined);
      await verify(edge, tenant, registration, { isRestored: claimed?.isRestored === true, context });
      await edge.presence.prepare(tenant, registration, subscription.presence);
      attached = await attach(edge, tenant, registration, subscription, id);
      const find = () => findBeginning(tenant, subscription, { claimed, attached });
      await atCurrentStart(tenant.log, find, ({ start, late }) => {
        admit(edge, tenant, registration, request, subscription);
        place.settle(owner, tenant.decisions.limits);
        const connection = request.accept(id, subscription);
        const ids = { connectionId: id, requestId: request.id };
        const format = { ...subscription.format, framing: request.framing };
        const reader = new Reader(ids, registration, connection, tenant, format, start, edge);
        const trace = beginStream(edge.tracer, request.traceparent, { ...ids, tenant: tenant.id });
        reader.record.origin = originOf(request, subscription, start);
        reader.carry({ changes: claimed?.changes, late, durable: attached?.hold, trace });
        begin(edge, edge.hub.attach(tenant, reader), subscription, { start, place, claimed, askedAt });
      });
    } catch (error) {
      registration.end("revoked");
      edge.hub.unregister(tenant, registration);
      if (attached !== undefined) void edge.subscriptions.holds.release(attached.hold);
      throw error;
    }
  } catch (error) {
    place.leave();
    throw error;
  }
}

/** The topics of a stream: its request's, or those of the durable subscription that it asks for. */
async function topicsFor(
  edge: Edge,
  { tenant_id: tenant, sub: subject }: VerifiedClaims,
  subscription: Subscription,
  context: CallContext,
): Promise<readonly string[]> {
  const { durable } = subscription;
  if (durable === undefined) return topicsOf(subscription, tenant, edge.mapResource, context);
  const stored = await edge.subscriptions.store.read({ tenant, subject, name: durable.name });
  if (stored === undefined) throw noSuchSubscription();
  requireNoCallback(stored.record);
  return Object.keys(stored.record.definition.topics).toSorted();
}

/** Makes the stream the holder of the durable subscription that it asks for, if it does. */
async function attach(
  { subscriptions, observer }: Edge,
  tenant: Tenant,
  registration: Registration,
  { durable, client }: Subscription,
  connectionId: string,
): Promise<Attached | undefined> {
  if (durable === undefined) return undefined;
  requireWholeScope(registration, tenant);
  const { identity, topics } = registration;
  const key = { tenant: identity.tenant, subject: identity.subject.id, name: durable.name };
  const attached = await attachHold(
    subscriptions,
    { key, identity, connectionId, client, topics, callback: undefined, ...durable },
    tenant.log,
  );
  observer.subscriptionChanged(attached.wasExpired ? "revived" : "attached", key);
  return attached;
}

/**
 * Finds the token and parses the subscription. Before anything is waited for: with a hundred topics the URL and its parameters are 20
 * KB, which would live long enough in each handshake for the heap to keep room for them.
 */
function readRequest(
  { shareTopics }: Edge,
  request: StreamRequest,
): { readonly subscription: Subscription; readonly verifyToken: () => Promise<VerifiedClaims> } {
  const query = request.takeQuery();
  const verifyToken = request.findToken(query);
  const subscription = parseSubscription(query, request.lastEventId, request.transport);
  return { subscription: { ...subscription, topics: shareTopics(subscription.topics) }, verifyToken };
}

/**
 * Asks auth and policy, and refuses a person who may see none of the topics. Not where a client comes back to its own: its stream
 * would have stayed open and silent, and only an open stream can be given others.
 */
async function verify(
  edge: Edge,
  tenant: Tenant,
  registration: Registration,
  { isRestored, context }: { readonly isRestored: boolean; readonly context: CallContext },
): Promise<void> {
  await verifyInTime(registration, tenant, edge, context);
  if (!isRestored && registration.liveTopics.length === 0 && registration.ended === undefined) {
    throw new AppError("no_topic_granted", "you may not see any of these topics");
  }
}

/** Where a stream begins, and which of its client's topics it has only later. */
async function findBeginning(
  { log }: Tenant,
  { lastEventId, from }: Subscription,
  { claimed, attached }: { readonly claimed: ClaimedTopics | undefined; readonly attached: Attached | undefined },
): Promise<{ readonly start: HoldStart; readonly late: LateTopics | undefined }> {
  const start = attached === undefined ? await findStart(log, lastEventId, from) : await startOf(attached, log);
  return { start, late: claimed && (await findLate(log, claimed.changes, start)) };
}

/**
 * Checks again in the tick in which the stream begins: since the answers a revoke may have come, the client may have gone,
 * and the edge may be draining.
 */
function admit(
  edge: Edge,
  tenant: Tenant,
  registration: Registration,
  request: StreamRequest,
  { client }: Subscription,
): void {
  if (request.isGone()) throw clientLeft();
  requireValid(registration, edge);
  edge.admission.requireServing();
  edge.transports.requireOn(request.transport, askerOf(registration.identity, client, tenant.decisions));
  const { topicsPerStream = Number.POSITIVE_INFINITY } = tenant.decisions.limits;
  if (registration.topics.length > topicsPerStream) {
    throw new AppError("limit_exceeded", `a stream of this tenant may have ${topicsPerStream} topics`);
  }
}

function ownerOf(
  { nameOf }: Edge,
  { identity: { tenant, subject, sid } }: Registration,
  { address, transport }: StreamRequest,
  { lastEventId }: Subscription,
): StreamOwner {
  const isResume = lastEventId !== undefined;
  return { tenant: nameOf(tenant), subject: subject.id, sid, address, isResume, isPoll: transport === "poll" };
}

/** The edge that holds an earlier stream of the client ends it. */
function announceClaim({ announceTopics }: Edge, { changes }: Reader): void {
  const claim = changes?.claim;
  if (claim !== undefined) announceTopics({ client: claim.client, generation: claim.generation });
}

interface Beginning {
  readonly start: HoldStart;
  readonly place: Place;
  readonly claimed: ClaimedTopics | undefined;
  /** Monotonic milliseconds. */
  readonly askedAt: number;
}

/** Begins the stream, and releases what it holds when its socket is gone. From here on it cannot be refused. */
function begin(edge: Edge, stream: Stream, subscription: Subscription, beginning: Beginning): void {
  const { tenant, reader } = stream;
  const { start, place, claimed, askedAt } = beginning;
  edge.clientStreams.attach(stream);
  followTransport(reader, edge);
  edge.observer.opened(factsOf(reader));
  if (subscription.lastEventId !== undefined) edge.observer.resumed(resumeKindOf(tenant.log, start));
  edge.observer.recorded(openedRecord(tenant, reader));
  void reader.connection.closed.then(() => releaseStream(edge, stream, place));
  try {
    reader.retryMs = edge.retryDelays.forAccepted(edge.admission.pressure);
    const { durable } = reader;
    if (durable !== undefined) beginHold(reader, durable, start, stream.tenant.log.epoch, edge.subscriptions);
    const ready = readyOf(edge, reader, edge.presence.attend(stream, subscription.presence), claimed);
    reader.frames.sendReady(ready, start, reader.retryMs);
    edge.observer.ready(edge.now() - askedAt);
    reader.catchUp();
    if (claimed?.wereHeld === true) announceClaim(edge, reader);
  } catch (error) {
    edge.observer.fault(error, factsOf(reader));
    reader.end(FAULT);
  }
}
