import type { PolicyEntry } from "#shared/contract/control-entry.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { groupPrincipal, subjectPrincipal } from "#shared/contract/principal.ts";
import { compositeKey } from "#shared/protocol/composite-key.ts";
import { isAtLeast, isSameVersion, type Version } from "#shared/contract/version.ts";
import { Notifier } from "#shared/async/notifier.ts";
import { singleFlight } from "#shared/async/single-flight.ts";
import type { Observer } from "../observe/observer.ts";
import { type TenantLimits, UNKNOWN_LIMITS } from "../admission/tenant-limits.ts";
import { EventMap } from "./event-map.ts";
import type { Decider, ResolveAnswer, Subject } from "./ports.ts";
import { createResidual, type Residual } from "./residual.ts";

/** Nothing in the log has ended it so far. */
export const STILL_VALID = Number.POSITIVE_INFINITY;

/** More changes than pass during a call; an answer that is older than all of them is asked for again. */
const MAX_APPLIED_CHANGES = 1_024;

/** A set of roles under policy's id, and the decisions for it. */
export interface Grant {
  readonly id: string;
  readonly roles: ReadonlySet<string>;
  readonly residuals: Map<string, Decided>;
}

/** A residual, valid for entries up to `through`. */
interface Decided {
  readonly version: Version;
  readonly residual: Residual;
  through: number;
}

/** A policy entry the feed has applied. */
interface AppliedChange {
  readonly seq: number;
  readonly version: Version;
  readonly affects: (principal: Principal) => boolean;
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
  /** Weak: changes reach a grant as long as a registration holds it. */
  readonly #grants = new Map<string, WeakRef<Grant>>();
  readonly #dropped = new FinalizationRegistry<string>((id) => {
    if (this.#grants.get(id)?.deref() === undefined) this.#grants.delete(id);
  });
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

  constructor(tenant: string, decider: Decider, observer: Pick<Observer, "decisionAsked">) {
    this.#tenant = tenant;
    this.#decider = decider;
    this.#observer = observer;
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
    for (const grant of this.#heldGrants()) grant.residuals.clear();
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
  }

  /**
   * Asks for a subject's grant.
   * @throws {AppError} `unavailable` or `tenant_unknown`.
   */
  async resolve(subject: Subject): Promise<Resolved> {
    const changeCount = this.#changeCount;
    const floor = this.#floor;
    const answer = await this.#decider.resolve(this.#tenant, subject, floor);
    await this.#waitForVersion(answer.version, floor);
    this.#learn(answer);
    const grant = this.#grants.get(answer.grant.id)?.deref() ?? this.#addGrant(answer.grant);
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

  /**
   * The grant's residual for the permission at `seq`, if known. Where a version has ended the grant, decisions of that
   * version or a later one do not count.
   */
  residual(grant: Grant, permission: string, seq: number, endedBy?: Version): Residual | undefined {
    const decided = grant.residuals.get(permission);
    return decided !== undefined && seq <= decided.through && isBefore(decided.version, endedBy)
      ? decided.residual
      : undefined;
  }

  /** Whether the event map may be used with a grant that this version ended. */
  knowsEventsBefore(endedBy: Version | undefined): boolean {
    return isBefore(this.#eventMap.version, endedBy);
  }

  /**
   * Asks policy for a residual; many who ask for the same wait for one answer. Check again afterwards.
   * @throws {AppError} `unavailable` or `tenant_unknown`.
   */
  ask(grant: Grant, permission: string): Promise<void> {
    return this.#asked(compositeKey(grant.id, permission), () => this.#ask(grant, permission));
  }

  /** Asks for every residual that the topics may need, so that few are missing later on. */
  async prepare(grant: Grant, topics: readonly string[]): Promise<void> {
    const permissions = new Set(topics.flatMap((topic) => this.#eventMap.permissionsUnder(topic)));
    const unknown = [...permissions].filter(
      (permission) => this.residual(grant, permission, STILL_VALID) === undefined,
    );
    await Promise.all(unknown.map((permission) => this.ask(grant, permission)));
  }

  /** Whether the grant may see anything under a topic pattern; false only where that is certain. */
  allowsUnder(grant: Grant, topic: string): boolean {
    return this.#eventMap.permissionsUnder(topic).some((permission) => {
      const residual = this.residual(grant, permission, STILL_VALID);
      return residual === undefined || residual.allowsUnder(topic);
    });
  }

  async #ask(grant: Grant, permission: string): Promise<void> {
    const changeCount = this.#changeCount;
    const floor = this.#floor;
    const { version, ...rules } = await this.#decider.decide(this.#tenant, grant.id, permission, floor);
    await this.#waitForVersion(version, floor);
    const { through } = this.#validityOf(changeCount, version, grant);
    grant.residuals.set(permission, { version, residual: createResidual(rules), through });
    this.#observer.decisionAsked();
  }

  #addGrant({ id, roles }: ResolveAnswer["grant"]): Grant {
    const grant: Grant = { id, roles: new Set(roles), residuals: new Map() };
    this.#grants.set(id, new WeakRef(grant));
    this.#dropped.register(grant, id);
    return grant;
  }

  *#heldGrants(): Iterable<Grant> {
    for (const reference of this.#grants.values()) {
      const grant = reference.deref();
      if (grant !== undefined) yield grant;
    }
  }

  /** Takes over what an answer says of the tenant as a whole, unless a newer one is known. */
  #learn({ version, eventMap, limits }: ResolveAnswer): void {
    this.#eventMap.learn(version, eventMap);
    if (this.#eventMap.version === version) this.#limits = limits;
  }

  #recordChange(change: AppliedChange): void {
    this.#appliedChanges.push(change);
    this.#changeCount += 1;
    if (this.#appliedChanges.length > MAX_APPLIED_CHANGES) this.#appliedChanges.shift();
    for (const grant of this.#heldGrants()) {
      if (change.affects(grant)) endAt(grant, change);
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

  /** Waits until the log has announced an answer's version; refuses an answer older than the question's floor. */
  async #waitForVersion(version: Version, floor: Version | undefined): Promise<void> {
    if (floor !== undefined && !isAtLeast(version, floor))
      throw new AppError("unavailable", "policy answered with an old version");
    this.#raiseFloor(version);
    // If the log holds no announcement, trust policy's first answer.
    this.#applied ??= version;
    while (!isAtLeast(this.#applied ?? version, version)) await this.#moved.next();
  }

  #raiseFloor(version: Version): void {
    if (this.#floor === undefined || version.number > this.#floor.number) this.#floor = version;
  }
}

/** Compares numbers alone: two builds of one number have no known order. */
function isBefore(version: Version | undefined, endedBy: Version | undefined): boolean {
  return endedBy === undefined || (version !== undefined && version.number < endedBy.number);
}

function endAt(grant: Grant, { seq, version }: AppliedChange): void {
  for (const decided of grant.residuals.values()) {
    if (!isAtLeast(decided.version, version)) decided.through = Math.min(decided.through, seq - 1);
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
