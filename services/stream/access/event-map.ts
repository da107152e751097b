import { eventTypeOf } from "#shared/protocol/topics.ts";
import { isAtLeast, isSameVersion, type Version } from "#shared/contract/version.ts";
import { type Effort, PatternTrie } from "./pattern-trie.ts";
import type { EventRule } from "./ports.ts";

/** The permission that each event type needs, by policy's newest answer. */
export class EventMap {
  #rules: readonly EventRule[] = [];
  /** The places of the rules in their order. */
  #places = new PatternTrie<number>([]);
  #version: Version | undefined;
  #edition = 0;

  /** Its version; undefined while policy has not answered. */
  get version(): Version | undefined {
    return this.#version;
  }

  /** Rises with every version whose rules are others. */
  get edition(): number {
    return this.#edition;
  }

  /** Takes over the rules of a version, unless those of a newer one are known. Rules that are the same are not compiled again. */
  learn(version: Version, rules: readonly EventRule[]): void {
    const known = this.#version;
    if (known !== undefined && (isSameVersion(version, known) || !isAtLeast(version, known))) return;
    this.#version = version;
    if (areSame(rules, this.#rules)) return;
    this.#rules = rules;
    this.#places = new PatternTrie(rules.map(({ pattern }, place) => [pattern, place] as const));
    this.#edition += 1;
  }

  /** The permission that events of this type need; undefined where no rule names it: denied to everyone. */
  permissionFor(type: string): string | undefined {
    let first = Number.POSITIVE_INFINITY;
    this.#places.someCovering(type, (place) => {
      first = Math.min(first, place);
      return false;
    });
    return this.#rules[first]?.permission;
  }

  /** The permissions that events under a topic pattern can need; not all of them where `effort` was used up. */
  permissionsUnder(topic: string, effort: Effort): readonly string[] {
    const places: number[] = [];
    this.#places.someOverlapping(
      eventTypeOf(topic),
      (place) => {
        places.push(place);
        return false;
      },
      effort,
    );
    return places.toSorted((a, b) => a - b).flatMap((place) => this.#rules[place]?.permission ?? []);
  }
}

function areSame(rules: readonly EventRule[], others: readonly EventRule[]): boolean {
  if (rules === others) return true;
  return (
    rules.length === others.length &&
    rules.every(
      ({ pattern, permission }, index) =>
        pattern === others[index]?.pattern && permission === others[index]?.permission,
    )
  );
}
