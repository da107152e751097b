import { AppError } from "#shared/errors/app-error.ts";
import type { Admission } from "./admission/admission.ts";
import { expiresAt, type KeepAliveDeps } from "./connections/keep-alive.ts";
import type { Hub, Stream } from "./connections/hub.ts";
import { identityOf, Registration } from "./access/registration.ts";
import { Reader, type ReaderDeps } from "./connections/reader.ts";
import type { Tenant } from "./connections/tenant.ts";
import { type HandshakeDeps, requireInForce, verifyInTime } from "./access/verify.ts";
import type { MapResource } from "./access/ports.ts";
import type { StreamClaims } from "./access/verify-stream-token.ts";
import { findStart, type Start } from "./log/resume.ts";
import type { Connection } from "./sse/connection.ts";
import { chooseRetryDelay } from "./sse/retry-delay.ts";
import { parseSubscription, type Subscription } from "./subscription/parse-subscription.ts";
import { topicsOf } from "./subscription/topics-of.ts";

/** A request for a stream, as far as this way looks at it. */
export interface StreamRequest {
  readonly query: URLSearchParams;
  readonly lastEventId: string | undefined;
  /** Reads and checks the access token; throws AppError with the refusal. */
  readToken(): Promise<StreamClaims>;
  /** Whether the client is still there. */
  isGone(): boolean;
  /** Takes the bare socket; the 200 leaves with the first frame. */
  accept(connectionId: string): Connection;
}

/** What opening a stream needs of the edge. */
export interface Edge extends ReaderDeps, KeepAliveDeps, HandshakeDeps {
  readonly admission: Admission;
  readonly hub: Hub;
  readonly mapResource: MapResource;
  /** A fresh id, `<worker id>-<random>`. */
  readonly newConnectionId: () => string;
  /** Told of every handshake: `accepted`, or the code of the refusal. */
  readonly onHandshake: (outcome: string) => void;
  /** Told of every stream that is refused because its tenant has as many as it may. */
  readonly onTenantFull: (tenant: string) => void;
}

/**
 * THE REQUEST WAY, from a request to a live stream.
 *
 *     admit → read token → parse subscription → list → ask session and grant → find start → accept → catch up → live
 *
 * Until the stream is accepted every failure is an AppError for the caller to tell. The connection is in its tenant's list
 * before anybody is asked about it: a revoke that comes meanwhile finds it. Returns once the stream has begun: an open one
 * keeps nothing of its request in memory.
 */
export async function openStream(edge: Edge, request: StreamRequest): Promise<void> {
  edge.admission.enter();
  try {
    const claims = await request.readToken();
    const subscription = parseSubscription(request.query, request.lastEventId);
    const topics = await topicsOf(subscription, claims.tenant_id, edge.mapResource);
    const id = edge.newConnectionId();
    const registration = new Registration(identityOf(claims), topics, id);
    const tenant = await edge.hub.list(registration);
    try {
      await verify(edge, tenant, registration);
      const start = await findCurrentStart(tenant, subscription);
      requireStillGood(edge, registration, request);
      requireRoom(edge, tenant);
      const connection = request.accept(id);
      const reader = new Reader(id, registration, connection, tenant, subscription.format, start, edge);
      serve(edge, { tenant, reader }, start);
    } catch (error) {
      registration.end("revoked");
      edge.hub.unregister(tenant, registration);
      throw error;
    }
  } catch (error) {
    edge.admission.leave();
    throw error;
  }
}

/** Asks auth and policy, and refuses a person who may not see anything at all. */
async function verify(edge: Edge, tenant: Tenant, registration: Registration): Promise<void> {
  await verifyInTime(registration, tenant, edge);
  if (registration.topicGrants.every(({ granted }) => !granted) && registration.ended === undefined) {
    throw new AppError("no_topic_granted", "you may not see any of these topics");
  }
}

/** A log that is replaced while we look into it must be looked into again: the position would mean another message. */
async function findCurrentStart(tenant: Tenant, { lastEventId, from }: Subscription): Promise<Start> {
  for (;;) {
    const { generation } = tenant;
    const start = await findStart(tenant, lastEventId, from);
    if (generation === tenant.generation) return start;
  }
}

/** Between the answers and here a revoke may have come, or the client gone away. */
function requireStillGood(edge: Edge, registration: Registration, request: StreamRequest): void {
  if (request.isGone()) throw new AppError("unavailable", "the client went away");
  requireInForce(registration, edge);
}

/** Looked at in the same tick in which the stream begins, so that never more than allowed are open. */
function requireRoom(edge: Edge, { id, streams, decisions }: Tenant): void {
  if (streams < decisions.maxConnections) return;
  edge.onTenantFull(id);
  throw new AppError("unavailable", "this tenant has as many streams as it may");
}

/** Begins the stream, and has everything it holds given back when its socket is gone. From here on nobody can be refused. */
function serve(edge: Edge, stream: Stream, start: Start): void {
  const { tenant, reader } = stream;
  edge.hub.attach(tenant, reader);
  void reader.connection.closed.then(() => finish(edge, stream));
  try {
    begin(edge, reader, start);
  } catch (error) {
    edge.onFault(error);
    reader.connection.reset();
  }
}

/** The end of a stream, under whichever registration it has by then. */
function finish(edge: Edge, stream: Stream): void {
  const { reader } = stream;
  reader.gone();
  reader.registration.end("revoked");
  edge.hub.detach(stream);
  edge.admission.leave();
}

function begin(edge: Edge, reader: Reader, start: Start): void {
  const { identity, topicGrants } = reader.registration;
  reader.start(
    {
      connectionId: reader.id,
      tenant: identity.tenant,
      subject: identity.subject.id,
      topics: topicGrants,
      expiresAt: expiresAt(reader.registration, edge),
    },
    start,
    chooseRetryDelay(edge.admission.pressure),
  );
}
