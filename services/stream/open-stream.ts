import { AppError } from "#shared/errors/app-error.ts";
import type { VerifiedToken } from "#shared/contract/verify-access-token.ts";
import type { Admission } from "./admission/admission.ts";
import { expiryOf, type HeartbeatSetting } from "./audience/heartbeat.ts";
import type { Hub } from "./audience/hub.ts";
import { type Identity, Listing } from "./audience/listing.ts";
import { Reader, type ReaderSetting } from "./audience/reader.ts";
import type { Tenant } from "./audience/tenant.ts";
import { verifyGrant, verifySession } from "./audience/verify.ts";
import { findStart, type Start } from "./log/resume.ts";
import type { Connection } from "./sse/connection.ts";
import { parseSubscription, type Subscription } from "./subscription/parse-subscription.ts";

/** A request for a stream, as far as this way looks at it. */
export interface StreamRequest {
  readonly query: URLSearchParams;
  readonly lastEventId: string | undefined;
  /** Reads and checks the access token; throws AppError with the refusal. */
  readToken(): Promise<VerifiedToken>;
  /** Whether the client is still there. */
  isGone(): boolean;
  /** Answers 200 and hands over the bare socket. */
  accept(connectionId: string): Connection;
}

/** What opening a stream needs of the edge. */
export interface Edge extends ReaderSetting, HeartbeatSetting {
  readonly admission: Admission;
  readonly hub: Hub;
  /** A fresh id, `<worker id>-<random>`. */
  readonly newConnectionId: () => string;
  /** Told of every handshake: `accepted`, or the code of the refusal. */
  readonly onHandshake: (outcome: string) => void;
  /** How long a handshake waits for auth and policy. */
  readonly handshakeMs: number;
  /** Whether this key is withdrawn. A stream that is open when it becomes so is ended by who is told. */
  readonly isWithdrawn: (kid: string) => boolean;
}

/**
 * THE REQUEST WAY, from a request to a live stream.
 *
 *     admit → read token → parse subscription → list → ask session and grant → find start → accept → catch up → live
 *
 * Until the stream is accepted every failure is an AppError for the caller to tell. The connection is in its tenant's list
 * before anybody is asked about it: a revoke that comes meanwhile finds it.
 */
export async function openStream(edge: Edge, request: StreamRequest): Promise<void> {
  edge.admission.enter();
  try {
    const claims = await request.readToken();
    const subscription = parseSubscription(request.query, request.lastEventId);
    const listing = new Listing(identityOf(claims), subscription.topics);
    const tenant = await edge.hub.list(listing);
    try {
      await verify(edge, tenant, listing);
      const start = await findCurrentStart(tenant, subscription);
      requireStillGood(edge, listing, request);
      const id = edge.newConnectionId();
      const connection = request.accept(id);
      const reader = new Reader(id, listing, connection, tenant, subscription.format, start, edge);
      edge.hub.attach(tenant, reader);
      begin(edge, reader, start);
      await connection.closed;
      reader.gone();
    } finally {
      listing.end("revoked");
      edge.hub.unlist(tenant, listing);
    }
  } finally {
    edge.admission.leave();
  }
}

function identityOf({ tenant_id, sid, sub, roles, groups, exp, kid }: VerifiedToken): Identity {
  return { tenant: tenant_id, sid, subject: { id: sub, roles, groups }, kid, tokenExpiresAt: exp };
}

/** Asks auth and policy at once, and refuses a person who may not see anything at all. */
async function verify(edge: Edge, tenant: Tenant, listing: Listing): Promise<void> {
  const asked = Promise.all([verifySession(listing, edge), verifyGrant(listing, tenant, edge)]);
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new AppError("unavailable", "auth or policy does not answer")),
    edge.handshakeMs,
  );
  try {
    await Promise.race([asked, late.promise]);
  } finally {
    clearTimeout(timer);
  }
  if (listing.topicGrants.every(({ granted }) => !granted) && listing.ended === undefined) {
    throw new AppError("no_topic_granted", "you may not see any of these topics");
  }
}

/** A log that is replaced while we look into it must be looked into again: the position would mean another message. */
async function findCurrentStart(tenant: Tenant, { lastEventId, from }: Subscription): Promise<Start> {
  for (;;) {
    const { openings } = tenant;
    const start = await findStart(tenant, lastEventId, from);
    if (openings === tenant.openings) return start;
  }
}

/** Between the answers and here a revoke may have come, or the client gone away. */
function requireStillGood({ isWithdrawn }: Edge, { ended, identity }: Listing, request: StreamRequest): void {
  if (request.isGone()) throw new AppError("unavailable", "the client went away");
  if (isWithdrawn(identity.kid)) throw new AppError("token_invalid", "the key of the access token is withdrawn");
  if (ended === "forbidden") throw new AppError("forbidden", "this tenant is closed");
  if (ended === "expired") throw new AppError("token_expired", "the access token has expired");
  if (ended !== undefined) throw new AppError("session_ended", "the session has ended; log in again");
}

function begin(edge: Edge, reader: Reader, start: Start): void {
  const { identity, topicGrants, deadline } = reader.listing;
  reader.start(
    {
      connectionId: reader.id,
      tenant: identity.tenant,
      subject: identity.subject.id,
      topics: topicGrants,
      // A session in doubt at this very moment is asked for again; until then the token's own end is what is known.
      expiresAt:
        deadline === undefined ? new Date(identity.tokenExpiresAt * 1_000).toISOString() : expiryOf(deadline, edge),
    },
    start,
  );
}
