import type { CallContext } from "#shared/async/call-context.ts";
import { AppError, toAppError } from "#shared/errors/app-error.ts";
import type { RetryBudget } from "#shared/async/retry-budget.ts";
import { within } from "#shared/async/within.ts";
import type { Observer } from "../observe/observer.ts";
import { type Grant, STILL_VALID } from "./grant.ts";
import type { SessionAnswer, SessionChecker } from "./ports.ts";
import type { Registration } from "./registration.ts";
import type { TenantAccess } from "./tenant-access.ts";
import type { TopicRights } from "./topic-rights.ts";

/** The edge, as far as verification uses it. */
export interface VerifyDeps {
  readonly sessions: SessionChecker;
  /** The repeated calls that the whole process may make. */
  readonly retries: RetryBudget;
  /** The monotonic time in milliseconds. */
  readonly now: () => number;
  /** Invalidates every session when the clocks have parted. */
  readonly checkClock: () => void;
  readonly observer: Pick<Observer, "fault">;
}

/** The edge, as far as a handshake's verification uses it. */
export interface HandshakeDeps extends VerifyDeps {
  /** How long a handshake waits for auth and policy. */
  readonly handshakeMs: number;
  /** Whether this key is withdrawn. Open streams of a key are ended when it is withdrawn. */
  readonly isWithdrawn: (kid: string) => boolean;
}

/**
 * Asks auth and policy at once, no longer than a handshake may last, and no longer than its client waits.
 * @throws {AppError} `unavailable`, `tenant_unknown` or `tenant_suspended`. Ask `requireValid` whether the registration may be used.
 */
export async function verifyInTime(
  registration: Registration,
  tenant: TenantAccess,
  deps: HandshakeDeps,
  context?: CallContext,
): Promise<void> {
  const asked = Promise.all([
    verifySession(registration, tenant, deps, { context }),
    verifyGrant(registration, tenant, deps, context),
  ]).then(() => untilKnown(registration));
  const late = Promise.withResolvers<never>();
  const leave = (): void => late.reject(clientLeft());
  const timer = setTimeout(
    () => late.reject(new AppError("unavailable", "auth or policy does not answer")),
    deps.handshakeMs,
  );
  context?.signal?.addEventListener("abort", leave, { once: true });
  if (context?.signal?.aborted === true) leave();
  try {
    await Promise.race([asked, late.promise]);
  } finally {
    clearTimeout(timer);
    context?.signal?.removeEventListener("abort", leave);
  }
}

/** A control entry may have asked before, right after the registration: its answer is awaited, too. */
async function untilKnown(registration: Registration): Promise<void> {
  const isKnown = (): boolean => registration.deadline !== undefined && registration.grant !== undefined;
  while (registration.ended === undefined && !isKnown()) await registration.changed.next();
}

/** The refusal of a handshake whose client is not there any more. */
export function clientLeft(): AppError {
  return new AppError("unavailable", "the client went away");
}

/** Throws AppError with the reason when the person's right to a stream is over. */
export function requireValid({ ended, identity }: Registration, { isWithdrawn }: HandshakeDeps): void {
  if (isWithdrawn(identity.kid)) throw new AppError("token_invalid", "the key of the access token is withdrawn");
  if (ended === "forbidden") throw new AppError("forbidden", "this tenant is closed");
  if (ended === "expired") throw new AppError("token_expired", "the access token has expired");
  if (ended !== undefined) throw new AppError("session_ended", "the session has ended; log in again");
}

/**
 * Asks auth whether the registration's session lives, until an answer comes that is newer than the last invalidation. Ends
 * the registration when it does not live, and asks for another grant when the person's roles or groups have changed. During
 * an outage the registration stays invalidated, and its reader held. `extend` asks for another access token's life.
 * @throws {AppError} `tenant_unknown` or `tenant_suspended`.
 */
export async function verifySession(
  registration: Registration,
  tenant: TenantAccess,
  deps: VerifyDeps,
  { extend = false, context }: { readonly extend?: boolean; readonly context?: CallContext | undefined } = {},
): Promise<void> {
  if (!registration.beginSessionCheck(extend)) return;
  while (registration.isCheckingSession) {
    const asked = await deps.retries.untilAnswered(
      `auth ${tenant.id}`,
      () => askSession(registration, deps, context),
      () => registration.isCheckingSession,
    );
    if (asked !== undefined) await applyAnswer(registration, tenant, deps, asked);
  }
}

/** An answer of auth, and when it was asked for. */
interface AskedSession {
  readonly answer: SessionAnswer;
  /** The monotonic time. */
  readonly askedAt: number;
  readonly invalidations: number;
}

async function askSession(
  registration: Registration,
  deps: VerifyDeps,
  context: CallContext | undefined,
): Promise<AskedSession | undefined> {
  const { sessionInvalidations: invalidations } = registration;
  const askedAt = deps.now();
  const answer = await deps.sessions.check(registration.sessionQuestion, context).catch(notKnown(deps));
  return answer && { answer, askedAt, invalidations };
}

async function applyAnswer(
  registration: Registration,
  tenant: TenantAccess,
  deps: VerifyDeps,
  { answer, askedAt, invalidations }: AskedSession,
): Promise<void> {
  if (answer.state === "revoked") return registration.end("revoked");
  // Invalidated meanwhile: the answer is too old, and is asked for again.
  if (invalidations !== registration.sessionInvalidations) return;
  if (answer.state === "live") return confirm(registration, tenant, deps, answer, askedAt);
  registration.sessionExpired(deps.now());
}

/** Applies an answer: roles and groups before the deadline, so that no old right gets the new deadline. */
async function confirm(
  registration: Registration,
  tenant: TenantAccess,
  deps: VerifyDeps,
  { remainingMs, isFinal, present }: Extract<SessionAnswer, { state: "live" }>,
  askedAt: number,
): Promise<void> {
  const isOther = present !== undefined && registration.updateClaims(present);
  if (isOther) registration.stream?.leaveAudience();
  registration.sessionLives(askedAt, remainingMs, isFinal);
  if (isOther) await verifyGrant(registration, tenant, deps);
}

/**
 * Asks policy until the registration's grant is known and no change has affected it meanwhile. Each answer is used at once
 * for the events before such a change: frequent changes never starve a reader.
 * @throws {AppError} `tenant_unknown` or `tenant_suspended`.
 */
export async function verifyGrant(
  registration: Registration,
  tenant: TenantAccess,
  deps: VerifyDeps,
  context?: CallContext,
): Promise<void> {
  if (!registration.beginGrantCheck()) return;
  const isWanted = (): boolean => registration.ended === undefined;
  while (isWanted()) {
    const ask = () => askGrant(registration, tenant, deps, context).catch(notKnown(deps));
    if ((await deps.retries.untilAnswered(`policy ${tenant.id}`, ask, isWanted)) === true) return;
  }
}

/** Asks once; answers whether no change has ended the grant yet. */
async function askGrant(
  registration: Registration,
  tenant: TenantAccess,
  deps: VerifyDeps,
  context: CallContext | undefined,
): Promise<boolean> {
  const { decisions, rights } = tenant;
  const { subject, sessionInvalidations } = registration;
  const askedAt = deps.now();
  const resolved = await decisions.resolve(subject, context);
  const { grant, remainingMs = Number.POSITIVE_INFINITY } = resolved;
  await rights.prepare(grant, registration.topics);
  // The person's roles or groups have changed meanwhile.
  if (subject !== registration.subject) return false;
  // The clocks may have parted meanwhile: nobody knows when it ends.
  if (Number.isFinite(remainingMs) && sessionInvalidations !== registration.sessionInvalidations) return false;
  // No await from here on: a later change finds the grant that it must invalidate.
  const validity = decisions.validityOf(resolved);
  // The topics may be others than a moment ago; what is not certain of those is looked at below.
  const found = rights.under(grant, registration.topics);
  registration.setGrant(grant, validity, askedAt + remainingMs);
  if (registration.setLiveTopics(found.live)) registration.stream?.sendSubscription();
  if (!found.isSettled) void lookOn(registration, tenant, grant, found, deps);
  return validity.through === STILL_VALID;
}

/**
 * Asks policy for what it takes to say which of these topics are granted, under a grant that is valid when this resolves. No
 * longer than a handshake may last.
 * @throws {AppError} `unavailable`, `tenant_unknown` or `tenant_suspended`.
 */
export async function prepareTopics(
  registration: Registration,
  tenant: TenantAccess,
  topics: readonly string[],
  { handshakeMs }: Pick<HandshakeDeps, "handshakeMs">,
): Promise<void> {
  const prepared = prepareUnderGrant(registration, tenant, topics);
  if (!(await within(handshakeMs, prepared))) throw new AppError("unavailable", "policy does not answer");
  await prepared;
}

async function prepareUnderGrant(
  registration: Registration,
  { rights }: TenantAccess,
  topics: readonly string[],
): Promise<void> {
  while (registration.ended === undefined) {
    const { grant } = registration;
    const isValid = grant !== undefined && registration.isGrantValid;
    await (isValid ? rights.prepare(grant, topics) : registration.changed.next());
    if (isValid && registration.grant === grant && registration.isGrantValid) return;
  }
}

/**
 * Replaces the topics of a registration, in this tick. What a look cannot say of them is found out afterwards, and told; what of them is granted
 * under a grant that is being asked for is told with it.
 */
export function replaceTopics(
  registration: Registration,
  tenant: TenantAccess,
  topics: readonly string[],
  deps: Pick<VerifyDeps, "observer">,
): void {
  const { grant } = registration;
  const found = grant && tenant.rights.under(grant, topics);
  registration.replaceTopics(topics, found?.live);
  if (grant !== undefined && found !== undefined && !found.isSettled) {
    void lookOn(registration, tenant, grant, found, deps);
  }
}

/** Looks at the topics again of which one step could not say whether they are granted; tells the client where some are not. */
async function lookOn(
  registration: Registration,
  { rights, turns }: TenantAccess,
  grant: Grant,
  found: TopicRights,
  { observer }: Pick<VerifyDeps, "observer">,
): Promise<void> {
  try {
    await rights.settle(grant, found);
    await turns.next();
  } catch (error) {
    // They stay granted: that is said until the opposite is certain.
    if (toAppError(error).code === "internal") observer.fault(error);
  }
  if (registration.grant !== grant || !registration.isGrantValid || rights.under(grant, registration.topics) !== found)
    return;
  if (!registration.setLiveTopics(found.live)) return;
  registration.stream?.sendSubscription();
  // An audience has the topics that are granted: it goes on in another one.
  registration.stream?.leaveAudience();
}

function notKnown({ observer }: VerifyDeps): (error: unknown) => undefined {
  return (error) => {
    const { code } = toAppError(error);
    if (code === "tenant_unknown" || code === "tenant_suspended") throw error;
    if (code !== "unavailable") observer.fault(error);
  };
}
