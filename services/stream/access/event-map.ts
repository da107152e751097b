import { eventTypeOf, patternsOverlap, topicMatches } from "#shared/protocol/topics.ts";
import { isAtLeast, type Version } from "#shared/contract/version.ts";
import type { EventRule } from "./ports.ts";

/** More event types than any product has: a producer that makes them up does not fill the memory. */
const MAX_TYPES = 10_000;

/** The permission that each event type needs, by policy's newest answer. */
export class EventMap {
  readonly #permissions = new Map<string, string | undefined>();
  #rules: readonly EventRule[] = [];
  #version: Version | undefined;

  /** Its version; undefined while policy has not answered. */
  get version(): Version | undefined {
    return this.#version;
  }

  /** Takes over the rules of a version, unless those of a newer one are known. */
  learn(version: Version, rules: readonly EventRule[]): void {
    if (this.#version !== undefined && !isAtLeast(version, this.#version)) return;
    this.#rules = rules;
    this.#version = version;
    this.#permissions.clear();
  }

  /** The permission that events of this type need; undefined where no rule names it: denied to everyone. */
  permissionFor(type: string): string | undefined {
    const known = this.#permissions.get(type);
    if (known !== undefined || this.#permissions.has(type)) return known;
    const permission = this.#rules.find((rule) => topicMatches(rule.pattern, type))?.permission;
    if (this.#permissions.size >= MAX_TYPES) this.#permissions.clear();
    this.#permissions.set(type, permission);
    return permission;
  }

  /** The permissions that events under a topic pattern can need. */
  permissionsUnder(topic: string): readonly string[] {
    const type = eventTypeOf(topic);
    return this.#rules.filter((rule) => patternsOverlap(rule.pattern, type)).map((rule) => rule.permission);
  }
}
