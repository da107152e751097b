import type { PolicyEntry } from "#shared/contract/control-entry.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { groupPrincipal, subjectPrincipal } from "#shared/contract/principal.ts";
import { compositeKey } from "#shared/protocol/composite-key.ts";
import { isAtLeast, isSameVersion, type Version } from "#shared/contract/version.ts";
import type { CallContext } from "#shared/async/call-context.ts";
import { Notifier } from "#shared/async/notifier.ts";
import { singleFlight } from "#shared/async/single-flight.ts";
import { inSpan, noTracer, type Span, type Tracer } from "#shared/trace/tracer.ts";
import { beginAsking } from "./decision-spans.ts";
import type { Observer } from "../observe/observer.ts";
import { type TenantLimits, UNKNOWN_LIMITS } from "../admission/tenant-limits.ts";
import { EventMap } from "./event-map.ts";
import { type Effort } from "./pattern-trie.ts";
import { Grant, isBefore, STILL_VALID } from "./grant.ts";
import type { Decider, ResolveAnswer, Subject } from "./ports.ts";
import { shareResiduals } from "./share-residuals.ts";
import { WeakValues } from "./weak-values.ts";

/** More changes than pass during a call; an answer that is older than all of them is asked for again. */
const MAX_APPLIED_CHANGES = 1_024;

/** A policy entry the feed has applied. */
interface AppliedChange {
  readonly seq: number;
  readonly version: Version;
  readonly affects: (principal: Principal) => boolean;
}

/** A question to policy: the floor and how many changes had been applied when it was asked, and the version that was asked for. */
interface Question {
  readonly floor: Version | undefined;
  readonly atLeast: Version | undefined;
  readonly changeCount: number;
}

/** A resolved grant: its version, and how many changes had been applied when it was asked for. */
export interface Resolved {
  readonly grant: Grant;
  readonly subject: Subject;
  readonly version: Version;
  readonly changeCount: number;
  /** How long it lasts from the question on, where one of its bindings ends. */
  readonly remainingMs: number | undefined;
}

/** The last sequence for which something is valid, and the version that ends it there. */
export interface Validity {
  readonly through: number;
  readonly endedBy?: Version | undefined;
}

/** The subject and roles that a change may affect. */
export interface Principal {
  readonly subject?: Subject;
  readonly roles: ReadonlySet<string>;
}

/**
 * What policy has decided for one tenant, kept exact by the tenant's own log: no clock is involved. Every answer is valid
 * up to the first policy entry that names it and is newer than the answer. The feed applies those entries in order, also to
 * answers under way. So an answer that was asked for before a change and arrives after it counts for the events before the
 * change, and never for one after it. Grant, event map and residual of different versions together could allow what no
 * version allows: an answer that is ahead of the log waits for the log, and a grant that a version ended is used with no
 * decision of that version.
 */
export class Decisions {
  readonly #tenant: string;
  readonly #decider: Decider;
  readonly #observer: Pick<Observer, "decisionAsked">;
  readonly #tracer: Tracer;
  /** Changes reach a grant as long as a registration holds it. */
  readonly #grants = new WeakValues<string, Grant>();
  readonly #residualOf = shareResiduals();
  readonly #asked = singleFlight<void>();
  readonly #eventMap = new EventMap();
  #limits: TenantLimits | undefined;
  #appliedChanges: AppliedChange[] = [];
  #changeCount = 0;
  /** The version of the last policy entry that was applied; undefined while none is known. */
  #applied: Version | undefined;
  /** The highest version met in an entry or an answer. It never falls. */
  #floor: Version | undefined;
  readonly #moved = new Notifier();

  constructor(tenant: string, decider: Decider, observer: Pick<Observer, "decisionAsked">, tracer: Tracer = noTracer) {
    this.#tenant = tenant;
    this.#decider = decider;
    this.#observer = observer;
    this.#tracer = tracer;
  }

  /** What the tenant may use, by the newest answer. */
  get limits(): TenantLimits {
    return this.#limits ?? UNKNOWN_LIMITS;
  }

  /** The same, unless a later version has been announced, which may say otherwise. */
  get currentLimits(): TenantLimits | undefined {
    return isBefore(this.#eventMap.version, this.#applied) ? undefined : this.#limits;
  }

  /** Starts over, after the log was opened or did not continue. `last` is its last policy entry. */
  reset(last: PolicyEntry | undefined): void {
    for (const grant of this.#grants) grant.forget();
    this.#appliedChanges = [];
    this.#changeCount += MAX_APPLIED_CHANGES + 1;
    this.#applied = last === undefined ? undefined : versionOf(last);
    if (this.#applied !== undefined) this.#raiseFloor(this.#applied);
    this.#moved.notify();
  }

  /**
   * Applies a policy entry and answers which principals it affects; undefined when it changes nothing, because a later one
   * has been applied already (two policy processes may announce out of order).
   */
  apply(entry: PolicyEntry, seq: number): ((principal: Principal) => boolean) | undefined {
    const version = versionOf(entry);
    const applied = this.#applied;
    if (applied !== undefined && (version.number < applied.number || isSameVersion(version, applied))) return undefined;
    // An entry that does not follow the last one covers the missing ones too, and may affect anyone.
    const isNext = applied !== undefined && version.number === applied.number + 1;
    const affects = isNext && entry.all === undefined ? affecting(entry) : () => true;
    this.#applied = version;
    this.#raiseFloor(version);
    this.#recordChange({ seq, version, affects });
    this.#moved.notify();
    return affects;
  }

  /** Ends every decision and answer under way at `seq`: an entry that cannot be read may have changed anything. */
  invalidateAll(seq: number): void {
    this.#applied = undefined;
    this.#recordChange({ seq, version: { number: Number.MAX_SAFE_INTEGER, build: "" }, affects: () => true });
    // It may have announced the very version that an answer waits for.
    this.#moved.notify();
  }

  /**
   * Asks for a subject's grant.
   * @throws {AppError} `unavailable` or `tenant_unknown`.
   */
  async resolve(subject: Subject, context?: CallContext): Promise<Resolved> {
    const asked = this.#beginQuestion();
    const answer = await this.#decider.resolve(this.#tenant, subject, asked.atLeast, context);
    await this.#waitForVersion(answer.version, asked);
    this.#learn(answer);
    const grant = this.#grants.get(answer.grant.id) ?? this.#addGrant(answer.grant);
    const { changeCount } = asked;
    return { grant, subject, version: answer.version, changeCount, remainingMs: answer.grant.remainingMs };
  }

  /** How long a resolved grant is valid; when that is not STILL_VALID, resolve again. */
  validityOf({ grant, subject, version, changeCount }: Resolved): Validity {
    return this.#validityOf(changeCount, version, { subject, roles: grant.roles });
  }

  /** The permission that events of this type need; undefined where the event map names none: denied to everyone. */
  permissionFor(type: string): string | undefined {
    return this.#eventMap.permissionFor(type);
  }

  /** Whether events of this type go to nobody, because the event map is known and does not name them. */
  isWithoutRule(type: string): boolean {
    return this.#eventMap.version !== undefined && this.permissionFor(type) === undefined;
  }

  /** Whether the event map may be used with a grant that this version ended. */
  knowsEventsBefore(endedBy: Version | undefined): boolean {
    return isBefore(this.#eventMap.version, endedBy);
  }

  /**
   * Asks policy for a residual, on behalf of the trace that is given; many who ask for the same wait for one answer. Check again afterwards.
   * @throws {AppError} `unavailable` or `tenant_unknown`.
   */
  ask(grant: Grant, permission: string, trace?: string): Promise<void> {
    return this.#asked(compositeKey(grant.id, permission), () => {
      const span = beginAsking(this.#tracer, trace, { grant, permission });
      return inSpan(span, () => this.#ask(grant, permission, span));
    });
  }

  /** Rises with every version whose event map is another. */
  get eventMapEdition(): number {
    return this.#eventMap.edition;
  }

  /** The permissions that events under a topic pattern can need; not all of them where `effort` was used up. */
  permissionsUnder(topic: string, effort: Effort): readonly string[] {
    return this.#eventMap.permissionsUnder(topic, effort);
  }

  async #ask(grant: Grant, permission: string, span: Span): Promise<void> {
    const asked = this.#beginQuestion();
    const { version, rules } = await this.#decider.decide(this.#tenant, grant.id, permission, asked.atLeast, {
      requestId: undefined,
      traceparent: span.traceparent,
    });
    span.set({ "sluice.policy.version": version.number });
    await this.#waitForVersion(version, asked);
    const { through } = this.#validityOf(asked.changeCount, version, grant);
    grant.decide(permission, { version, residual: this.#residualOf(rules), through });
    this.#observer.decisionAsked();
  }

  #addGrant({ id, roles }: ResolveAnswer["grant"]): Grant {
    const grant = new Grant(id, roles);
    this.#grants.set(id, grant);
    return grant;
  }

  /** Takes over what an answer says of the tenant as a whole, unless a newer one is known. */
  #learn({ version, eventMap, limits }: ResolveAnswer): void {
    this.#eventMap.learn(version, eventMap);
    if (isSameVersion(this.#eventMap.version ?? version, version)) this.#limits = limits;
  }

  #recordChange(change: AppliedChange): void {
    this.#appliedChanges.push(change);
    this.#changeCount += 1;
    if (this.#appliedChanges.length > MAX_APPLIED_CHANGES) this.#appliedChanges.shift();
    for (const grant of this.#grants) {
      if (change.affects(grant)) grant.endAt(change.seq, change.version);
    }
  }

  /** How long an answer of `version` is valid that was asked for after `changeCount` changes. */
  #validityOf(changeCount: number, version: Version, principal: Principal): Validity {
    const missed = this.#changeCount - changeCount;
    if (missed > this.#appliedChanges.length) return { through: -1 };
    const later = this.#appliedChanges.slice(this.#appliedChanges.length - missed);
    const ending = later.find((change) => !isAtLeast(version, change.version) && change.affects(principal));
    return ending === undefined ? { through: STILL_VALID } : { through: ending.seq - 1, endedBy: ending.version };
  }

  /** What policy has announced last may be unknown: then its store is read anew, which has at least that. */
  #beginQuestion(): Question {
    const floor = this.#floor;
    return { floor, atLeast: this.#applied === undefined ? undefined : floor, changeCount: this.#changeCount };
  }

  /** Waits until the log has announced an answer's version; refuses an answer older than the question's floor. */
  async #waitForVersion(version: Version, { floor, changeCount }: Question): Promise<void> {
    if (floor !== undefined && !isAtLeast(version, floor))
      throw new AppError("unavailable", "policy answered with an old version");
    this.#raiseFloor(version);
    // If the log holds no announcement, or one that nobody can read, trust policy's first answer to a question behind it.
    if (changeCount === this.#changeCount) this.#applied ??= version;
    while (!isAtLeast(this.#applied ?? version, version)) await this.#moved.next();
  }

  #raiseFloor(version: Version): void {
    if (this.#floor === undefined || version.number > this.#floor.number) this.#floor = version;
  }
}

function versionOf(entry: PolicyEntry): Version {
  return { number: entry.version, build: entry.build };
}

function affecting(entry: PolicyEntry): (principal: Principal) => boolean {
  const roles = new Set(entry.roles);
  const subjects = new Set(entry.subjects);
  return ({ subject, roles: held }) => {
    if (!roles.isDisjointFrom(held)) return true;
    return (
      subject !== undefined &&
      (subjects.has(subjectPrincipal(subject.id)) ||
        subject.groups.some((group) => subjects.has(groupPrincipal(group))))
    );
  };
}
