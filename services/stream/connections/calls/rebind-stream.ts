import { randomUUID } from "node:crypto";
import type { CallContext } from "#shared/async/call-context.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { expiresAt, type KeepAliveDeps } from "../keep-alive.ts";
import type { Hub, Stream } from "../hub.ts";
import { requireWholeScope } from "../require-whole-scope.ts";
import { type Identity, Registration } from "../../access/registration.ts";
import { type HandshakeDeps, replaceTopics, requireValid, verifyInTime } from "../../access/verify.ts";

/** Asks that the stream go on by the token of the caller's identity. */
export interface RebindCall {
  readonly kind: "rebind";
}

/** Until when the stream may go on. */
export interface RebindAnswer {
  readonly expiresAt: string;
}

/** The edge, as far as a rebind uses it. */
export interface RebindDeps extends KeepAliveDeps, HandshakeDeps {
  readonly hub: Hub;
}

/**
 * Continues an open stream by another token of the same person, and answers until when. The new session is registered and
 * verified before the old one is left: no revoke of either is missed. From the answer on, nothing is delivered under the
 * old token's rights.
 * @throws {AppError} `not_found` when the stream ended meanwhile; `forbidden` where the new token's scope leaves out a part of the durable
 * subscription that the stream delivers; the refusal of the new token; `unavailable`. The stream
 * then goes on as before.
 */
export async function rebindStream(
  { reader }: Stream,
  identity: Identity,
  deps: RebindDeps,
  context?: CallContext,
): Promise<RebindAnswer> {
  const { hub } = deps;
  // An id of its own: an answer for the old registration must not count for this one.
  const contextId = `${reader.ids.connectionId}.${randomUUID()}`;
  const registration = new Registration(identity, reader.registration.topics, contextId);
  const tenant = await hub.register(registration);
  try {
    await verifyInTime(registration, tenant, deps, context);
    requireValid(registration, deps);
    if (reader.durable !== undefined) requireWholeScope(registration, tenant);
    if (reader.ended) throw new AppError("not_found", "the stream has ended");
  } catch (error) {
    registration.end("revoked");
    hub.unregister(tenant, registration);
    throw error;
  }
  const before = reader.registration;
  if (before.topics !== registration.topics) replaceTopics(registration, tenant, before.topics, deps);
  reader.rebind(registration);
  before.end("revoked");
  hub.unregister(tenant, before);
  const answer = { expiresAt: expiresAt(registration, deps) };
  reader.frames.send("session", answer);
  reader.sendSubscription();
  return answer;
}
