import { randomUUID } from "node:crypto";
import { AppError } from "#shared/errors/app-error.ts";
import { expiresAt, type HeartbeatSetting } from "./heartbeat.ts";
import type { Hub, Stream } from "./hub.ts";
import { type Identity, Listing } from "./listing.ts";
import { type HandshakeSetting, requireInForce, verifyInTime } from "./verify.ts";

/** What rebinding needs of the edge. */
export interface RebindSetting extends HeartbeatSetting, HandshakeSetting {
  readonly hub: Hub;
}

/**
 * Has an open stream go on by another token of the same person, and answers until when. It is listed under the new session
 * and that asked about before the old one is left: no revoke of either falls between. From the answer on, nothing is
 * delivered under the old token's rights.
 * @throws {AppError} `not_found` when the stream ended meanwhile; why the new token opens no stream; `unavailable`. The
 * stream goes on as it was then.
 */
export async function rebindStream(
  { reader }: Stream,
  identity: Identity,
  setting: RebindSetting,
): Promise<{ readonly expiresAt: string }> {
  const { hub } = setting;
  // Of its own: while both are asked about, an answer for the old listing must not count for this one.
  const contextId = `${reader.id}.${randomUUID()}`;
  const listing = new Listing(identity, reader.listing.topics, contextId);
  const tenant = await hub.list(listing);
  try {
    await verifyInTime(listing, tenant, setting);
    requireInForce(listing, setting);
    if (reader.ended) throw new AppError("not_found", "the stream has ended");
  } catch (error) {
    listing.end("revoked");
    hub.unlist(tenant, listing);
    throw error;
  }
  const before = reader.listing;
  reader.rebind(listing);
  before.end("revoked");
  hub.unlist(tenant, before);
  const answer = { expiresAt: expiresAt(listing, setting) };
  reader.tell("session", answer);
  reader.tellSubscription();
  return answer;
}
