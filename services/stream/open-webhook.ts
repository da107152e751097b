import { AppError } from "#shared/errors/app-error.ts";
import { parseScope } from "#shared/protocol/scope.ts";
import type { ShareTopics } from "./access/share-topic-lists.ts";
import { type Identity, Registration } from "./access/registration.ts";
import { type HandshakeDeps, requireValid, verifyInTime } from "./access/verify.ts";
import type { Admission } from "./admission/admission.ts";
import { type Attached, attachHold, type HoldStart, noSuchSubscription, startOf } from "./connections/attach-hold.ts";
import { beginHold } from "./connections/begin-hold.ts";
import type { ClientStreams } from "./connections/client-streams.ts";
import type { Connection } from "./connections/connection.ts";
import { FAULT } from "./connections/end-stream.ts";
import type { Hub, Stream } from "./connections/hub.ts";
import { Reader } from "./connections/reader.ts";
import type { ReaderDeps } from "./connections/reader-state.ts";
import { factsOf, openedRecord } from "./connections/record-stream.ts";
import { releaseStream } from "./connections/release-stream.ts";
import type { Subscriptions } from "./connections/subscriptions.ts";
import type { Hold } from "./durable/hold.ts";
import type { Callback } from "./durable/record.ts";
import type { SubscriptionKey } from "./durable/subscription-store.ts";
import { atCurrentStart } from "./log/at-current-start.ts";
import type { Observer } from "./observe/observer.ts";

/** Messages are batches of these, one to a line. */
const FORMAT = { body: "cloudevents", naming: "message", framing: "json" } as const;

/** The edge, as far as opening a webhook uses it; its sessions are those of owners. */
export interface WebhookEdge extends ReaderDeps, HandshakeDeps {
  readonly observer: Observer;
  readonly admission: Pick<Admission, "enter">;
  readonly hub: Hub;
  readonly shareTopics: ShareTopics;
  readonly subscriptions: Subscriptions;
  readonly clientStreams: ClientStreams;
  readonly newConnectionId: () => string;
}

/** A subscription that was taken for its callback. */
export interface TakenCallback {
  readonly hold: Hold;
  readonly callback: Callback;
  /** What is known of its owner's right. */
  readonly registration: Registration;
  /** What was erased from its tenant's log. */
  readonly erasures: { readonly edition: number };
}

/**
 * THE CALLBACK WAY, from a subscription with a callback to its delivery.
 *
 *     enter → read the record → register its owner → ask auth and policy → attach → find start → connect → catch up → live
 *
 * Its owner is not connected: auth says which roles they have now, and policy what these may see. Until the stream ends, this process
 * holds the subscription.
 * @throws {AppError} `not_found` where there is no such subscription, or it has no callback; `session_ended` where auth does not know
 * its owner any more; `unavailable`, as `held` while another process holds it; what `attachHold` throws.
 */
export async function openWebhook(
  edge: WebhookEdge,
  key: SubscriptionKey,
  connect: (taken: TakenCallback) => Connection,
): Promise<Stream> {
  const place = edge.admission.enter();
  try {
    const { definition } = (await edge.subscriptions.store.read(key))?.record ?? {};
    if (definition?.deliver === undefined) throw noSuchSubscription();
    const callback = definition.deliver;
    const id = edge.newConnectionId();
    const topics = edge.shareTopics(Object.keys(definition.topics).toSorted());
    const registration = new Registration(ownerOf(key, callback.scope), topics, id);
    const tenant = await edge.hub.register(registration);
    let attached: Attached | undefined;
    try {
      await verifyInTime(registration, tenant, edge);
      requireOwner(registration, edge);
      const attachment = { identity: registration.identity, connectionId: id, client: undefined, takeover: false };
      const taken = await attachHold(edge.subscriptions, { key, topics, callback, ...attachment }, tenant.log);
      attached = taken;
      const { hold } = taken;
      const find = () => startOf(taken, tenant.log);
      return await atCurrentStart(tenant.log, find, (start) => {
        requireOwner(registration, edge);
        const ids = { connectionId: id, requestId: id };
        const connection = connect({ hold, callback, registration, erasures: tenant.log.erasures });
        const reader = new Reader(ids, registration, connection, tenant, FORMAT, start, edge);
        reader.carry({ durable: hold });
        const stream = edge.hub.attach(tenant, reader);
        edge.observer.opened(factsOf(reader));
        edge.observer.recorded(openedRecord(tenant, reader));
        void connection.closed.then(() => releaseStream(edge, stream, place));
        begin(edge, stream, hold, start);
        return stream;
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

/** The owner of a subscription, of whom nothing is known yet but the name; limited to a callback's scope where it has one. */
export function ownerOf({ tenant, subject }: SubscriptionKey, scope?: string): Identity {
  const limit = scope === undefined ? undefined : parseScope(scope);
  if (scope !== undefined && limit === undefined) throw new AppError("subscription_unreadable", "its scope is none");
  return {
    tenant,
    sid: "callback",
    subject: { id: subject, roles: [], groups: [], scope: limit },
    kid: "",
    tokenExpiresAt: 1,
    isOutside: false,
  };
}

function requireOwner(registration: Registration, edge: WebhookEdge): void {
  if (registration.ended !== "revoked") return requireValid(registration, edge);
  throw new AppError("session_ended", "auth does not know its owner, or not any more");
}

function begin(edge: WebhookEdge, { tenant, reader }: Stream, hold: Hold, start: HoldStart): void {
  try {
    beginHold(reader, hold, start, tenant.log.epoch, edge.subscriptions);
    if (start.notice !== undefined) reader.frames.sendNotice(start.notice, start.position);
    reader.catchUp();
  } catch (error) {
    edge.observer.fault(error, factsOf(reader));
    reader.end(FAULT);
  }
}
