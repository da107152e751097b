import { setTimeout as delay } from "node:timers/promises";
import { AppError, toAppError } from "#shared/errors/app-error.ts";
import { backoffMs } from "#shared/time/backoff.ts";
import { STILL_VALID } from "../authorization/decisions.ts";
import type { SessionAnswer, SessionChecker } from "../authorization/ports.ts";
import type { Listing } from "./listing.ts";
import type { Tenant } from "./tenant.ts";

const BACKOFF = { baseMs: 100, maxMs: 2_000 };

/** What verification needs. */
export interface VerifySetting {
  readonly sessions: SessionChecker;
  readonly now: () => number;
  /** Told of failures that nobody expects; what was asked stays unknown, and is asked again. */
  readonly onFault: (error: unknown) => void;
}

/** What verification at the door needs beside that. */
export interface HandshakeSetting extends VerifySetting {
  /** How long a handshake waits for auth and policy. */
  readonly handshakeMs: number;
  /** Whether this key is withdrawn. A stream that is open when it becomes so is ended by who is told. */
  readonly isWithdrawn: (kid: string) => boolean;
}

/**
 * Asks auth and policy at once, and no longer than a handshake may last.
 * @throws {AppError} `unavailable`, `tenant_unknown` or `tenant_suspended`. Whether the listing is in force then, `requireInForce` tells.
 */
export async function verifyInTime(listing: Listing, tenant: Tenant, setting: HandshakeSetting): Promise<void> {
  const asked = Promise.all([verifySession(listing, tenant, setting), verifyGrant(listing, tenant, setting)]);
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new AppError("unavailable", "auth or policy does not answer")),
    setting.handshakeMs,
  );
  try {
    await Promise.race([asked, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Throws AppError with the reason when the person's right to a stream is over. */
export function requireInForce({ ended, identity }: Listing, { isWithdrawn }: HandshakeSetting): void {
  if (isWithdrawn(identity.kid)) throw new AppError("token_invalid", "the key of the access token is withdrawn");
  if (ended === "forbidden") throw new AppError("forbidden", "this tenant is closed");
  if (ended === "expired") throw new AppError("token_expired", "the access token has expired");
  if (ended !== undefined) throw new AppError("session_ended", "the session has ended; log in again");
}

/**
 * Asks auth until it has said, after the last doubt, whether the listing's session lives; ends the listing when not, and has
 * it granted anew when the person's roles or groups are other than before. An outage is waited out: a listing in doubt stays
 * so, and its reader held. `extend` asks for another access token's life.
 * @throws {AppError} `tenant_unknown` or `tenant_suspended`.
 */
export async function verifySession(
  listing: Listing,
  tenant: Tenant,
  setting: VerifySetting,
  extend = false,
): Promise<void> {
  if (!listing.beginSessionCheck(extend)) return;
  for (let attempt = 0; listing.ended === undefined; attempt += 1) {
    const doubts = listing.sessionDoubts;
    const askedAt = setting.now();
    const answer = await setting.sessions.check(listing.sessionQuestion).catch(notKnown(setting));
    if (answer === undefined) await delay(backoffMs(attempt, BACKOFF));
    else if (answer.state !== "live") listing.end(answer.state);
    else if (doubts === listing.sessionDoubts) return confirm(listing, tenant, setting, answer, askedAt);
  }
}

/** Puts an answer in force. What the person holds now comes before the deadline: no right outlives the one it came with. */
async function confirm(
  listing: Listing,
  tenant: Tenant,
  setting: VerifySetting,
  { remainingMs, present }: Extract<SessionAnswer, { state: "live" }>,
  askedAt: number,
): Promise<void> {
  const isOther = present !== undefined && listing.takeClaims(present);
  if (isOther) listing.stream?.leaveAudience();
  listing.sessionLives(askedAt + remainingMs);
  if (isOther) await verifyGrant(listing, tenant, setting);
}

/**
 * Asks policy until the listing's grant is known and no change that concerns it has come meanwhile. What is known on the
 * way is put to use at once, for the events before such a change: frequent changes never starve a reader.
 * @throws {AppError} `tenant_unknown` or `tenant_suspended`.
 */
export async function verifyGrant(listing: Listing, tenant: Tenant, setting: VerifySetting): Promise<void> {
  if (!listing.beginGrantCheck()) return;
  for (let attempt = 0; listing.ended === undefined; attempt += 1) {
    const known = await askGrant(listing, tenant, setting).catch(notKnown(setting));
    if (known === true) return;
    if (known === undefined) await delay(backoffMs(attempt, BACKOFF));
  }
}

/** Asks once; answers whether the grant is good until the log says otherwise. */
async function askGrant(listing: Listing, { decisions }: Tenant, { now }: VerifySetting): Promise<boolean> {
  const { subject } = listing;
  const askedAt = now();
  const resolved = await decisions.resolve(subject);
  await decisions.prepare(resolved.grant, listing.topics);
  // Auth has said meanwhile that the person is another than was asked about.
  if (subject !== listing.subject) return false;
  const topics = listing.topics.map((topic) => ({ topic, granted: decisions.allowsUnder(resolved.grant, topic) }));
  // From here to the end without an await: a change that comes later finds the grant it has to put in doubt.
  const validity = decisions.validityOf(resolved);
  const changed = topics.some(({ granted }, index) => granted !== listing.topicGrants[index]?.granted);
  listing.setGrant(resolved.grant, validity, askedAt + (resolved.remainingMs ?? Number.POSITIVE_INFINITY), topics);
  if (changed) listing.stream?.tellSubscription();
  return validity.through === STILL_VALID;
}

function notKnown({ onFault }: VerifySetting): (error: unknown) => undefined {
  return (error) => {
    const { code } = toAppError(error);
    if (code === "tenant_unknown" || code === "tenant_suspended") throw error;
    if (code !== "unavailable") onFault(error);
  };
}
