import type { CallContext } from "#shared/async/call-context.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { HeaderValues } from "#shared/http/token-source.ts";
import type { SessionRights } from "#shared/tokens/session-rights.ts";
import { presentPublisher, type Publisher } from "./access/present-publisher.ts";
import type { AskPublishingRights, PublishingAnswer } from "./access/publishing-rights.ts";
import type { Reach } from "./access/reach.ts";
import type { VerifiedClaims } from "#shared/tokens/verified-claims.ts";
import { inSpan, type Tracer } from "#shared/trace/tracer.ts";
import { readRequestToken, type RequestTokenDeps } from "./access/read-request-token.ts";
import { requireDistinct } from "./events/event-ids.ts";
import { parseEvents } from "./events/parse-events.ts";
import type { EventLimits, PublishedEvent } from "./events/published-event.ts";
import type { PublishMetrics } from "./metrics.ts";
import type { BodyRoom } from "./quotas/body-room.ts";
import { answerWithin, beginRequest, beginSend } from "./trace-publishing.ts";
import type { Quotas } from "./quotas/quotas.ts";
import type { CheckSchemas } from "./schemas/check-schemas.ts";

/** A request to publish, wherever it came in. */
export interface PublishRequest {
  /** By lower-case name. */
  readonly headers: HeaderValues;
  readonly query: URLSearchParams;
  /** The client's address or network; undefined where it is this host's own. */
  readonly address: string | undefined;
  /** How many bytes the body has at most. */
  readonly bodyBytes: number;
  readonly readBody: () => Promise<Uint8Array>;
  readonly context: CallContext;
  /** Called once it is known who asks; the tenant is named as the homes of a publisher count it. */
  readonly onIdentified: (caller: { readonly tenant: string; readonly subject: string }) => void;
}

/** What was published: each event's id, in their order, and those that had been stored before. */
export interface Published {
  readonly ids: readonly string[];
  readonly duplicates: readonly string[];
}

/** What became of one event: whether the log had it already. */
export interface Stored {
  readonly isDuplicate: boolean;
}

/** Where events are stored. */
export interface EventLog {
  /**
   * Stores events of one publisher in their order, and answers once the log has acknowledged them. Safe to repeat within the log's window
   * for duplicates.
   * @throws {AppError} `limit_exceeded` for an event that is too large for the bus; `unavailable`, which says whether anything may be stored.
   */
  append(tenant: string, publisher: string, events: readonly PublishedEvent[]): Promise<readonly Stored[]>;
}

/** What publishing takes. */
export interface PublishDeps extends RequestTokenDeps {
  readonly sessions: SessionRights;
  readonly askRights: AskPublishingRights;
  readonly checkSchemas: CheckSchemas;
  readonly quotas: Quotas;
  readonly room: BodyRoom;
  /** A tenant's name in what the homes of a publisher count together. */
  readonly nameOf: (tenant: string) => string;
  readonly reach: Reach;
  readonly log: EventLog;
  readonly limits: EventLimits;
  readonly metrics: PublishMetrics;
  readonly tracer: Tracer;
  /** Milliseconds since 1970. */
  readonly wall: () => number;
}

/** Publishes the events of a request. */
export type PublishEvents = (request: PublishRequest) => Promise<Published>;

/**
 * Publishes events of the token's tenant, all of them or none: the way of an event from a request into the log. What costs little
 * is asked first, and each limit before the work that it bounds.
 * @throws {AppError} the refusal; `unavailable` while auth, policy or the log do not answer.
 */
export async function publishEvents(deps: PublishDeps, request: PublishRequest): Promise<Published> {
  const startedAt = deps.wall();
  deps.quotas.takeRequest(request.address);
  const claims = await readRequestToken(deps, request);
  deps.reach.requireLink();
  const { tenant_id: tenant, sub: subject } = claims;
  request.onIdentified({ tenant: deps.nameOf(tenant), subject });
  // Not before: what strangers send makes no span.
  const span = beginRequest(deps.tracer, request.context.traceparent, { tenant, startedAt });
  const context = { ...request.context, traceparent: span.traceparent };
  return answerWithin(span, () =>
    publishAs(deps, request, claims, context).catch((error: unknown) => {
      throw deps.reach.explain(error);
    }),
  );
}

async function publishAs(
  deps: PublishDeps,
  request: PublishRequest,
  claims: VerifiedClaims,
  context: CallContext,
): Promise<Published> {
  const { tenant_id: tenant, sub: subject } = claims;
  // Nothing of a stranger's body is read.
  using _room = deps.room.take(deps.nameOf(tenant), request.bodyBytes);
  const events = parseEvents({ headers: request.headers, body: await request.readBody() }, deps.limits);
  requireDistinct(subject, events);
  deps.quotas.takeOfSubject(deps.nameOf(tenant), subject, events.length);
  const publisher = await presentPublisher(deps.sessions, claims, context);
  const { eventsPerSecond } = await requirePermission(deps.askRights, publisher, events, context);
  deps.quotas.takeOfTenant(deps.nameOf(tenant), events.length, eventsPerSecond);
  await deps.checkSchemas(tenant, events);
  const isOfRequest = request.context.traceparent !== undefined;
  const stored = await storeWithin(deps, publisher, isOfRequest ? events.map(withoutTrace) : events, context);
  const duplicates = events.filter((_, place) => stored[place]?.isDuplicate === true);
  return { ids: events.map(({ id }) => id), duplicates: duplicates.map(({ id }) => id) };
}

/** The answer shows neither which permission is needed nor whether the tenant exists. */
async function requirePermission(
  ask: AskPublishingRights,
  publisher: Publisher,
  events: readonly PublishedEvent[],
  context: CallContext,
): Promise<PublishingAnswer> {
  const answer = await ask(publisher, events, context).catch((error: unknown) => {
    throw error instanceof AppError && error.code === "tenant_unknown" ? forbidden(events[0]) : error;
  });
  const denied = events.find((_, place) => answer.allowed[place] !== true);
  if (denied === undefined) return answer;
  throw forbidden(denied);
}

function forbidden(event: PublishedEvent | undefined): AppError {
  return new AppError("forbidden", `you may not publish ${event?.topic ?? "this"}`);
}

/** The trace of a request wins over those that its events bring. */
function withoutTrace(event: PublishedEvent): PublishedEvent {
  return { ...event, traceparent: undefined };
}

/** Stores the events within a span, which they name as theirs where they bring no trace of their own. */
function storeWithin(
  deps: PublishDeps,
  publisher: Publisher,
  events: readonly PublishedEvent[],
  { traceparent }: CallContext,
): Promise<readonly Stored[]> {
  const span = beginSend(deps.tracer, publisher.tenant, events, traceparent);
  const traced = events.map((event) => ({ ...event, traceparent: event.traceparent ?? span.traceparent }));
  return inSpan(span, () => storeEvents(deps, publisher, traced));
}

async function storeEvents(
  { log, metrics }: PublishDeps,
  { tenant, id }: Publisher,
  events: readonly PublishedEvent[],
): Promise<readonly Stored[]> {
  const endTimer = metrics.storeSeconds.startTimer();
  const stored = await log.append(tenant, id, events);
  endTimer();
  const duplicates = stored.filter(({ isDuplicate }) => isDuplicate).length;
  metrics.events.inc({ result: "stored" }, stored.length - duplicates);
  metrics.events.inc({ result: "duplicate" }, duplicates);
  return stored;
}
