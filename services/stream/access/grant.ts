import { isAtLeast, type Version } from "#shared/contract/version.ts";
import type { Residual } from "./residual.ts";
import type { TopicRights } from "./topic-rights.ts";

/** Nothing in the log has ended it so far. */
export const STILL_VALID = Number.POSITIVE_INFINITY;

/** A residual, valid for entries up to `through`. */
interface Decision {
  readonly version: Version;
  readonly residual: Residual;
  through: number;
}

/** A set of roles under policy's id, and the decisions for it. */
export class Grant {
  readonly id: string;
  readonly roles: ReadonlySet<string>;
  /** By the topics of a subscription. */
  readonly rights = new WeakMap<readonly string[], TopicRights>();
  readonly #decisions = new Map<string, Decision>();
  #edition = 0;

  constructor(id: string, roles: Iterable<string>) {
    this.id = id;
    this.roles = new Set(roles);
  }

  /** Rises whenever a decision has ended. */
  get edition(): number {
    return this.#edition;
  }

  /**
   * The residual for a permission at `seq`, if known. Where a version has ended the grant, decisions of that version or a
   * later one do not count.
   */
  residualAt(permission: string, seq: number, endedBy?: Version): Residual | undefined {
    const decision = this.#decisions.get(permission);
    if (decision === undefined || seq > decision.through) return undefined;
    return isBefore(decision.version, endedBy) ? decision.residual : undefined;
  }

  /** The version by which it is decided about a permission; undefined where that is not known. */
  versionOf(permission: string): Version | undefined {
    return this.#decisions.get(permission)?.version;
  }

  /** Takes over a decision of a version, which is valid up to `through`. */
  decide(permission: string, decision: Decision): void {
    this.#decisions.set(permission, decision);
  }

  /** Ends every decision that is older than the version of the entry at `seq`. */
  endAt(seq: number, version: Version): void {
    this.#edition += 1;
    for (const decision of this.#decisions.values()) {
      if (!isAtLeast(decision.version, version)) decision.through = Math.min(decision.through, seq - 1);
    }
  }

  /** Forgets every decision. */
  forget(): void {
    this.#edition += 1;
    this.#decisions.clear();
  }
}

/** Compares numbers alone: two builds of one number have no known order. */
export function isBefore(version: Version | undefined, endedBy: Version | undefined): boolean {
  return endedBy === undefined || (version !== undefined && version.number < endedBy.number);
}
