import { runNow, type Steps } from "../work/turns.ts";

/** Roles bound to subjects over HTTP; they replace what the document binds to the same subject. */
export interface HttpBindings extends Iterable<Binding> {
  readonly size: number;
  get(subject: string): readonly string[] | undefined;
  has(subject: string): boolean;
}

type Binding = readonly [subject: string, roles: readonly string[]];

/** The part of the bindings whose subjects have one hash. */
export type RolesShard = ReadonlyMap<string, readonly string[]>;

/** How many shards there are. With 100 000 subjects one has about 400 of them, which take 0.2 ms to read or to write. */
export const SHARDS = 256;

const EMPTY: RolesShard = new Map();

/**
 * The roles of up to 100 000 subjects, in shards by the subject's hash. It never changes: a change of one subject's roles is a
 * new value that shares all shards but one with the value before, so equal shards are found by identity.
 */
export class SubjectRoles implements HttpBindings {
  readonly shards: readonly RolesShard[];
  readonly size: number;

  private constructor(shards: readonly RolesShard[]) {
    this.shards = shards;
    this.size = shards.reduce((sum, shard) => sum + shard.size, 0);
  }

  /** Nobody's. */
  static readonly none = new SubjectRoles(Array.from({ length: SHARDS }, () => EMPTY));

  /** The bindings of these subjects; of a subject that comes twice the last one counts. */
  static from(bindings: Iterable<Binding>): SubjectRoles {
    const collected = new CollectedRoles();
    for (const [subject, roles] of bindings) collected.set(subject, roles);
    return collected.take();
  }

  /** The bindings of these shards, by number; the others are empty. */
  static ofShards(shards: ReadonlyMap<number, RolesShard>): SubjectRoles {
    return new SubjectRoles(Array.from({ length: SHARDS }, (_, index) => shards.get(index) ?? EMPTY));
  }

  get(subject: string): readonly string[] | undefined {
    return this.#shardOf(subject).get(subject);
  }

  has(subject: string): boolean {
    return this.#shardOf(subject).has(subject);
  }

  /** The same with these roles for one subject; undefined takes what is bound to it away. */
  with(subject: string, roles: readonly string[] | undefined): SubjectRoles {
    const changed = new Map(this.#shardOf(subject));
    if (roles === undefined) changed.delete(subject);
    else changed.set(subject, roles);
    return new SubjectRoles(this.shards.with(shardOf(subject), changed));
  }

  *[Symbol.iterator](): Generator<Binding> {
    for (const shard of this.shards) yield* shard;
  }

  /** All bindings in a lasting order, from the first or from the one behind `after`. */
  *listed(after?: string): Generator<Binding> {
    const first = after === undefined ? 0 : shardOf(after);
    for (const [index, shard] of this.shards.slice(first).entries()) {
      const names = [...shard.keys()].filter((name) => index > 0 || after === undefined || name > after).toSorted();
      for (const name of names) yield [name, shard.get(name) ?? []];
    }
  }

  /** Up to `limit` of them, and whether there are more. What it takes is one shard and the page itself. */
  page(after: string | undefined, limit: number): { readonly bindings: Binding[]; readonly hasMore: boolean } {
    const bindings: Binding[] = [];
    for (const binding of this.listed(after)) {
      if (bindings.length === limit) return { bindings, hasMore: true };
      bindings.push(binding);
    }
    return { bindings, hasMore: false };
  }

  #shardOf(subject: string): RolesShard {
    return this.shards[shardOf(subject)] ?? EMPTY;
  }
}

/** Bindings that are still being collected. */
export class CollectedRoles {
  readonly #shards = new Map<number, Map<string, readonly string[]>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(subject: string): boolean {
    return this.#shards.get(shardOf(subject))?.has(subject) === true;
  }

  set(subject: string, roles: readonly string[]): void {
    const index = shardOf(subject);
    const shard = this.#shards.get(index) ?? new Map<string, readonly string[]>();
    if (!shard.has(subject)) this.#size += 1;
    this.#shards.set(index, shard.set(subject, roles));
  }

  /** What was collected; nothing may be added any more. */
  take(): SubjectRoles {
    return SubjectRoles.ofShards(this.#shards);
  }
}

/** What two bindings say differently. */
export interface ChangedSubjects {
  /** The first of the subjects, sorted. */
  readonly some: readonly string[];
  /** How many there are in all. */
  readonly count: number;
}

/** Up to `max` of the subjects whose roles two bindings say differently. Of shards that both share none is looked at. */
export function changedSubjects(before: HttpBindings, after: HttpBindings, max: number): ChangedSubjects {
  return runNow(findChangedSubjects(before, after, max));
}

/** The same, shard by shard. */
export function* findChangedSubjects(before: HttpBindings, after: HttpBindings, max: number): Steps<ChangedSubjects> {
  const some: string[] = [];
  let count = 0;
  const is = shardsOf(after);
  for (const [index, was] of shardsOf(before).entries()) {
    for (const subject of changedIn(was, is[index] ?? EMPTY)) {
      count += 1;
      if (some.length < max) some.push(subject);
    }
    yield;
  }
  return { some: some.toSorted(), count };
}

/** Whether two bindings say the same of everybody, shard by shard. */
export function* compareBindings(a: SubjectRoles, b: SubjectRoles): Steps<boolean> {
  for (const [index, shard] of a.shards.entries()) {
    if (changedIn(shard, b.shards[index] ?? EMPTY).next().done !== true) return false;
    yield;
  }
  return true;
}

/** Whether two lists hold the same roles in the same order. */
export function areSameRoles(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  if (a === b) return true;
  return a !== undefined && a.length === b?.length && a.every((role, index) => role === b[index]);
}

function* changedIn(before: RolesShard, after: RolesShard): Generator<string> {
  if (before === after) return;
  for (const subject of before.keys()) if (!after.has(subject)) yield subject;
  for (const [subject, roles] of after) if (!areSameRoles(before.get(subject), roles)) yield subject;
}

function shardsOf(bindings: HttpBindings): readonly RolesShard[] {
  return (bindings instanceof SubjectRoles ? bindings : SubjectRoles.from(bindings)).shards;
}

/** FNV-1a over the name, folded to a byte. Stored policies rest on it: it never changes. */
function shardOf(subject: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < subject.length; index += 1) {
    hash = Math.imul(hash ^ subject.charCodeAt(index), 0x01000193);
  }
  return (hash ^ (hash >>> 8) ^ (hash >>> 16) ^ (hash >>> 24)) & (SHARDS - 1);
}
