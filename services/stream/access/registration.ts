import type { EndReason, Position } from "../event.ts";
import type { Notice } from "../log/resume.ts";
import type { Version } from "#shared/contract/version.ts";
import type { Principal, Validity } from "./decisions.ts";
import { type Grant, STILL_VALID } from "./grant.ts";
import type { PresentClaims, SessionQuestion, Subject } from "./ports.ts";
import { areSameTopics } from "./share-topic-lists.ts";
import type { VerifiedClaims } from "#shared/tokens/verified-claims.ts";
import { Notifier } from "#shared/async/notifier.ts";

/** A connection's person and session, from its verified token. */
export interface Identity {
  readonly tenant: string;
  readonly sid: string;
  readonly subject: Subject;
  /** The key that signed the token. */
  readonly kid: string;
  /** Seconds since 1970. */
  readonly tokenExpiresAt: number;
  /** When the session began, in RFC 3339. */
  readonly loginAt?: string | undefined;
  /** The session is an outside issuer's: it ends with its token. */
  readonly isOutside: boolean;
}

/** The identity that a verified token gives. */
export function identityOf({
  iss,
  tenant_id,
  sid,
  sub,
  roles,
  groups,
  attributes,
  scope,
  exp,
  login_at: loginAt,
  kid,
  isOutside = false,
}: VerifiedClaims): Identity {
  const issuer = isOutside ? iss : undefined;
  const subject = { id: sub, roles, groups, scope, issuer, ...(attributes !== undefined && { attributes }) };
  return { tenant: tenant_id, sid, subject, kid, tokenExpiresAt: exp, loginAt, isOutside };
}

/** A registration's stream, as far as the log changes it. */
export interface RegisteredStream {
  /** Its position in the log. */
  readonly cursor: Position;
  /** Holds it at its position: its right is invalidated. */
  leaveAudience(): void;
  /** Ends it: the right to it is over. */
  revoke(reason: EndReason): void;
  /** Continues from `position` in a log that has begun anew, and sends `notice`. */
  jumpTo(position: Position, notice: Notice): void;
  /** Sends which topics are granted from here on. */
  sendSubscription(): void;
}

/** A topic pattern of a subscription, and whether anything under it can be delivered. */
export interface TopicGrant {
  readonly topic: string;
  readonly granted: boolean;
}

/**
 * What is known of a person's right to a stream. A connection is registered with its tenant before auth and policy are asked:
 * a revoke in between finds it, and invalidates what they answer.
 */
export class Registration {
  readonly identity: Identity;
  #topics: readonly string[];
  /** The id for questions to auth: the connection's, also while it is being opened. */
  readonly #contextId: string;
  stream: RegisteredStream | undefined;
  /** Notified whenever something below changed. */
  readonly changed = new Notifier();
  /** The monotonic time after which nothing may be written; undefined while auth has not answered. */
  #deadline: number | undefined;
  /** The last deadline, also while auth is asked again: the client has it, or is sent it within a second. */
  #announced: number | undefined;
  /** How long the session was good for when auth last answered. */
  #lifeMs = 0;
  /** No later question to auth gets a later end. */
  #isFinal = false;
  #subject: Subject;
  #grant: Grant | undefined;
  #grantedThrough = -1;
  /** The version that ended the grant, until another one is known. */
  #grantEndedBy: Version | undefined;
  /** The monotonic time at which a binding ends that the grant rests on. */
  #grantEndsAt = Number.POSITIVE_INFINITY;
  #liveTopics: readonly string[] | undefined;
  #ended: EndReason | undefined;
  #checkingSession = false;
  #checkingGrant = false;
  /** Whether the stream has outlived its token once: since then its session counts. */
  #extended = false;
  /** Rises with every invalidation, so that an earlier question's answer is recognised. */
  #sessionInvalidations = 0;

  constructor(identity: Identity, topics: readonly string[], contextId: string) {
    this.identity = identity;
    this.#subject = identity.subject;
    this.#topics = topics;
    this.#contextId = contextId;
  }

  /** The topic patterns that it asks for now. */
  get topics(): readonly string[] {
    return this.#topics;
  }

  get deadline(): number | undefined {
    return this.#deadline;
  }

  /** The deadline that the client has, or is sent within a second; undefined while there was none, or where the clocks have parted since. */
  get announcedDeadline(): number | undefined {
    return this.#announced;
  }

  /** Whether to ask auth for more time: `withinMs` before the deadline, or half way to it where that is later. */
  wantsMoreTime(now: number, withinMs: number): boolean {
    if (this.#deadline === undefined || this.#isFinal || this.identity.isOutside) return false;
    return this.#deadline - now < Math.min(withinMs, this.#lifeMs / 2);
  }

  /** The person's roles and groups now; the token may name others. */
  get subject(): Subject {
    return this.#subject;
  }

  get grant(): Grant | undefined {
    return this.#grant;
  }

  /** Its topics, each with whether anything under it can be delivered; none while policy has not answered. */
  get topicGrants(): readonly TopicGrant[] {
    if (this.#liveTopics === undefined) return [];
    const live = new Set(this.#liveTopics);
    return this.#topics.map((topic) => ({ topic, granted: live.has(topic) }));
  }

  /** The topics under which something can be delivered; the very list of all topics where each is one. */
  get liveTopics(): readonly string[] {
    return this.#liveTopics ?? this.#topics;
  }

  get ended(): EndReason | undefined {
    return this.#ended;
  }

  get sessionInvalidations(): number {
    return this.#sessionInvalidations;
  }

  get sessionQuestion(): SessionQuestion {
    const { tenant, sid, subject, tokenExpiresAt, loginAt, isOutside } = this.identity;
    const session = { tenant, sid, subject: subject.id, tokenExpiresAt, loginAt, isOutside };
    return { contextId: this.#contextId, ...session, extend: this.#extended };
  }

  /** The grant for the entry at `seq`; undefined while it, or the session, is not known. */
  grantAt(seq: number, now: number): Grant | undefined {
    return seq <= this.grantedThrough(now) ? this.#grant : undefined;
  }

  /** The last sequence for which the grant is known to hold at the monotonic time `now`; -1 for none. */
  grantedThrough(now: number): number {
    return this.#deadline !== undefined && now < this.#grantEndsAt ? this.#grantedThrough : -1;
  }

  /** The version that ended the grant: its decisions may not be used with it. */
  get grantEndedBy(): Version | undefined {
    return this.#grantEndedBy;
  }

  /** The monotonic time at which a binding ends that the grant rests on; infinity where none does. */
  get grantEndsAt(): number {
    return this.#grantEndsAt;
  }

  get principal(): Principal {
    return { subject: this.#subject, roles: this.#grant?.roles ?? new Set() };
  }

  /** Whether the caller should ask auth now. A question under way already notices every invalidation. */
  beginSessionCheck(extend: boolean): boolean {
    if (this.#checkingSession) return false;
    this.#checkingSession = true;
    this.#extended ||= extend;
    return true;
  }

  /** Whether auth still has to answer: the session is invalidated, or more time was asked for. */
  get isCheckingSession(): boolean {
    return this.#checkingSession && this.#ended === undefined;
  }

  /**
   * The session lives: auth, asked at `askedAt`, gave it `remainingMs`. An end that was announced is kept where auth only
   * refuses to prolong.
   */
  sessionLives(askedAt: number, remainingMs: number, isFinal: boolean): void {
    const deadline = askedAt + remainingMs;
    this.#checkingSession = false;
    this.#deadline = isFinal ? Math.max(deadline, this.#announced ?? deadline) : deadline;
    this.#announced = this.#deadline;
    this.#lifeMs = remainingMs;
    this.#isFinal = isFinal;
    this.changed.notify();
  }

  /**
   * Auth gives no more time. A stream that only asked for more goes on to the end that was announced. An invalidated one ends: its
   * person's rights by now are not known.
   */
  sessionExpired(now: number): void {
    const deadline = this.#deadline;
    if (deadline === undefined || now >= deadline) this.end("expired");
    else this.sessionLives(now, deadline - now, true);
  }

  /** The session must be asked for again before anything else is written. */
  invalidateSession(): void {
    this.#deadline = undefined;
    this.#sessionInvalidations += 1;
  }

  /** The same, and no deadline counted so far means anything: the clocks have parted. */
  invalidateDeadline(): void {
    this.#announced = undefined;
    this.invalidateSession();
  }

  /** Updates the person's roles and groups. Answers whether they changed: nothing is granted to the new ones yet. */
  updateClaims({ roles, groups }: PresentClaims): boolean {
    if (isSame(roles, this.#subject.roles) && isSame(groups, this.#subject.groups)) return false;
    this.#subject = { ...this.#subject, roles, groups };
    this.#grantedThrough = -1;
    return true;
  }

  /** Whether the caller should ask policy now. */
  beginGrantCheck(): boolean {
    if (this.#checkingGrant) return false;
    this.#checkingGrant = true;
    return true;
  }

  /** The grant is good as long as `validity` says, and until the monotonic time `endsAt`. */
  setGrant(grant: Grant, { through, endedBy }: Validity, endsAt: number): void {
    this.#checkingGrant = through !== STILL_VALID;
    this.#grant = grant;
    this.#grantedThrough = through;
    this.#grantEndedBy = endedBy;
    this.#grantEndsAt = endsAt;
    this.changed.notify();
  }

  /** Whether no change has ended the grant, and the stream goes on. */
  get isGrantValid(): boolean {
    return this.#grantedThrough === STILL_VALID && this.#ended === undefined;
  }

  /** Asks for other topics from now on. `live`: those under which something can be delivered, where that is known. */
  replaceTopics(topics: readonly string[], live: readonly string[] | undefined): void {
    this.#topics = topics;
    this.#liveTopics = live;
  }

  /** Replaces the topics under which something can be delivered; answers whether these are others. */
  setLiveTopics(topics: readonly string[]): boolean {
    const before = this.#liveTopics;
    this.#liveTopics = topics;
    return before === undefined || !areSameTopics(topics, before);
  }

  /** The grant holds up to `through`; for what follows it must be asked for again. */
  invalidateGrant({ through, endedBy }: Validity): void {
    this.#grantedThrough = Math.min(this.#grantedThrough, through);
    this.#grantEndedBy ??= endedBy;
  }

  /** The person's right to this stream is over. */
  end(reason: EndReason): void {
    this.#ended ??= reason;
    this.changed.notify();
  }
}

function isSame(names: readonly string[], others: readonly string[]): boolean {
  return new Set(names).symmetricDifference(new Set(others)).size === 0;
}
