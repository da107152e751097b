import { eventTypeOf } from "#shared/protocol/topics.ts";
import type { Effort } from "./pattern-trie.ts";
import type { Residual } from "./residual.ts";

/** The work of one step: less than a millisecond of it. */
const STEP_EFFORT = 5_000;

/** The permissions that are asked for at once, so that one subscription does not ask for a thousand. */
const MAX_MISSING = 64;

const NONE: readonly string[] = [];
const NOTHING: ReadonlySet<string> = new Set();

/** What decides about topics: the event map, and what policy has answered for a grant so far. */
export interface Decided {
  /** The permissions that events under a topic pattern can need; not all of them where `effort` was used up. */
  permissionsUnder(topic: string, effort: Effort): readonly string[];
  /** The present decision for a permission; undefined where policy has not answered. */
  residualOf(permission: string): Residual | undefined;
}

/** `missing`: policy has to answer first. `cut`: the effort was used up. */
type Finding = "granted" | "denied" | "missing" | "cut";

/**
 * Which topics of a subscription a grant may be delivered anything of. What is not certain counts as granted. One object
 * serves all streams with the same grant and topics; it is found out once, in as many parts as the work takes.
 */
export class TopicRights {
  readonly topics: readonly string[];
  /** The editions of event map and grant that it rests on. */
  readonly editions: readonly [eventMap: number, grant: number];
  /** Resolves once all is found out that can be; undefined while nobody has asked for that. */
  settling: Promise<void> | undefined;
  #ahead: readonly string[];
  /** Topics for which policy must answer first. */
  #waiting: readonly string[] = NONE;
  #missing: ReadonlySet<string> | undefined;
  #live: readonly string[];

  constructor(topics: readonly string[], editions: readonly [eventMap: number, grant: number]) {
    this.topics = topics;
    this.editions = editions;
    this.#ahead = topics;
    this.#live = topics;
  }

  /** The topics that are not certainly denied; the very list of all topics where none is. */
  get live(): readonly string[] {
    return this.#live;
  }

  /** Whether a look can find out more: policy has answered all that it needs. */
  get isOpen(): boolean {
    return this.#ahead.length > 0;
  }

  /** Whether every topic has been found out. */
  get isSettled(): boolean {
    return this.#ahead.length + this.#waiting.length === 0;
  }

  /** Permissions for which policy must answer before more can be found out. */
  get missing(): ReadonlySet<string> {
    return this.#missing ?? NOTHING;
  }

  /** Looks again at the topics that were waiting: policy has answered for what was missing. */
  answered(): void {
    this.#ahead = [...this.#waiting, ...this.#ahead];
    this.#waiting = NONE;
    this.#missing = undefined;
  }

  /** Finds out what one step suffices for. */
  look(decided: Decided): void {
    const missing = new Set(this.#missing);
    const looked = new Looked(decided, missing);
    const [denied, waiting] = [new Set<string>(), [...this.#waiting]];
    let next = 0;
    for (; next < this.#ahead.length; next += 1) {
      const topic = this.#ahead[next] ?? "";
      const finding = looked.at(topic);
      if (finding === "cut") break;
      if (finding === "missing") waiting.push(topic);
      if (finding === "denied") denied.add(topic);
    }
    this.#ahead = next === this.#ahead.length ? NONE : this.#ahead.slice(next);
    if (waiting.length > 0) [this.#waiting, this.#missing] = [waiting, missing];
    if (denied.size > 0) this.#live = this.#live.filter((topic) => !denied.has(topic));
  }
}

/** One look at several topics. Topics are sorted, so that those of one event type stand together. */
class Looked {
  readonly #decided: Decided;
  readonly #effort: Effort = { left: STEP_EFFORT };
  /** Permissions for which policy must answer first. */
  readonly #missing: Set<string>;
  #hasCompiled = false;
  #type: string | undefined;
  #permissions: readonly string[] = [];

  constructor(decided: Decided, missing: Set<string>) {
    this.#decided = decided;
    this.#missing = missing;
  }

  at(topic: string): Finding {
    const before = this.#effort.left;
    const finding = this.#find(topic);
    if (this.#effort.left >= 0) return finding;
    this.#type = undefined;
    // What is too much for a whole step stays uncertain; compiling is done once, so that the next step comes further.
    return before === STEP_EFFORT && !this.#hasCompiled ? "granted" : "cut";
  }

  #find(topic: string): Finding {
    const tried = new Set<Residual>();
    let isMissing = false;
    for (const permission of this.#permissionsUnder(topic)) {
      this.#effort.left -= 1;
      if (this.#effort.left < 0) return "cut";
      const residual = this.#decided.residualOf(permission);
      if (residual === undefined) {
        isMissing = true;
        if (this.#missing.size < MAX_MISSING) this.#missing.add(permission);
      } else if (!tried.has(residual)) {
        tried.add(residual);
        this.#chargeCompiling(residual);
        if (residual.allowsUnder(topic, this.#effort)) return "granted";
      }
    }
    return isMissing ? "missing" : "denied";
  }

  #chargeCompiling({ isCompiled, size }: Residual): void {
    if (isCompiled) return;
    this.#hasCompiled = true;
    this.#effort.left -= size;
  }

  #permissionsUnder(topic: string): readonly string[] {
    const type = eventTypeOf(topic);
    if (type !== this.#type) this.#permissions = this.#decided.permissionsUnder(topic, this.#effort);
    this.#type = type;
    return this.#permissions;
  }
}
