import {
  compileCondition,
  type EventAttributes,
  type EventCondition,
  type EventTest,
} from "#shared/contract/event-condition.ts";
import { compileMasks, type FieldMask } from "../frames/field-mask.ts";
import { type Effort, PatternTrie } from "./pattern-trie.ts";

/**
 * The rules that policy leaves to decide per event. An event passes when its topic matches one of `allow`, or one of
 * `allowWhen` whose condition holds, and none of `deny`, and none of `denyWhen` whose condition holds. What passes by `masked`
 * alone passes without the fields that all those name by which it does.
 */
export interface TopicRules extends AllowedTopics {
  readonly deny: readonly string[];
  readonly denyWhen: readonly ConditionalPattern[];
  /** Absent where there is none. */
  readonly masked?: readonly MaskedTopics[];
}

/** Topics that are allowed, always and on conditions. */
export interface AllowedTopics {
  readonly allow: readonly string[];
  readonly allowWhen: readonly ConditionalPattern[];
}

/** Topics that are allowed without some fields. */
export interface MaskedTopics extends AllowedTopics {
  readonly mask: readonly string[];
}

/** A topic pattern that counts for events on which a condition over their headers holds. */
export interface ConditionalPattern {
  readonly pattern: string;
  readonly when: EventCondition;
}

/** An event, as far as rules read it. */
export interface JudgedEvent {
  readonly topic: string;
  /** Headers by name, lower-case. */
  readonly attributes: EventAttributes;
}

/** Decides events once grant and permission are known, without a call. */
export interface Residual {
  /** Whether the event may be seen, or without which fields. Deny beats allow, silence denies. */
  allows(event: JudgedEvent): boolean | FieldMask;
  /** Whether its rules are compiled: the first who asks it compiles them, which takes half a microsecond for each. */
  readonly isCompiled: boolean;
  /** How many rules it has. */
  readonly size: number;
  /**
   * Whether any topic under the pattern may be seen; false only where certainly none may, so not where `effort` was used up
   * before. Without one it looks as long as it takes.
   */
  allowsUnder(pattern: string, effort?: Effort): boolean;
  /**
   * Whether one rule without a condition or a mask allows every topic under the pattern, and none denies any of them, whatever its
   * condition.
   */
  allowsAllUnder(pattern: string): boolean;
}

/** Makes a residual of policy's rules. */
export function createResidual(rules: TopicRules): Residual {
  const { allow, deny, denyWhen, masked = [] } = rules;
  const isPlainYes = allow.includes(">") && deny.length === 0 && denyWhen.length === 0;
  const size = isPlainYes ? 0 : deny.length + denyWhen.length + sizeOf([rules, ...masked]);
  let compiled: CompiledRules | undefined;
  return {
    get isCompiled() {
      return size === 0 || compiled !== undefined;
    },
    size,
    allows(event) {
      // Most residuals are this one: 120 million a second.
      if (isPlainYes) return true;
      compiled ??= compile(rules);
      return compiled.allows(event);
    },
    allowsUnder(wanted, effort) {
      if (isPlainYes) return true;
      compiled ??= compile(rules);
      return compiled.allowsUnder(wanted, effort);
    },
    allowsAllUnder(wanted) {
      if (isPlainYes) return true;
      compiled ??= compile(rules);
      return compiled.allowsAllUnder(wanted);
    },
  };
}

function sizeOf(allowed: readonly AllowedTopics[]): number {
  return allowed.reduce((sum, { allow, allowWhen }) => sum + allow.length + allowWhen.length, 0);
}

type CompiledRules = Pick<Residual, "allows" | "allowsUnder" | "allowsAllUnder">;

function compile({ deny, denyWhen, masked = [], ...rules }: TopicRules): CompiledRules {
  const denied = compilePatterns(deny);
  // A condition on a header that is missing, or cannot be read as what it is compared with, allows nothing, and denies.
  const denying = compileRules(denyWhen, true);
  const whole = compileAllowed(rules);
  const parts = masked.map(compileAllowed);
  const maskOf = compileMasks(masked.map(({ mask }) => mask));
  return {
    allows(event) {
      if (denied.someCovering(event.topic, isAny)) return false;
      if (applies(denying, event)) return false;
      if (whole.allows(event)) return true;
      let counted = 0;
      for (const [index, part] of parts.entries()) if (part.allows(event)) counted |= 1 << index;
      return counted === 0 ? false : maskOf(counted);
    },
    allowsUnder(wanted, effort) {
      if (denied.someCovering(wanted, isAny)) return false;
      return whole.allowsUnder(wanted, effort) || parts.some((part) => part.allowsUnder(wanted, effort));
    },
    allowsAllUnder(wanted) {
      if (denied.someOverlapping(wanted, isAny) || denying.someOverlapping(wanted, isAny)) return false;
      return whole.allowsAllUnder(wanted);
    },
  };
}

function compileAllowed({ allow, allowWhen }: AllowedTopics) {
  const [allowed, allowing] = [compilePatterns(allow), compileRules(allowWhen, false)];
  return {
    allows: (event: JudgedEvent): boolean => allowed.someCovering(event.topic, isAny) || applies(allowing, event),
    allowsUnder: (wanted: string, effort?: Effort): boolean =>
      allowed.someOverlapping(wanted, isAny, effort) || allowing.someOverlapping(wanted, isAny, effort),
    allowsAllUnder: (wanted: string): boolean => allowed.someCovering(wanted, isAny),
  };
}

function compilePatterns(patterns: readonly string[]): PatternTrie<true> {
  return new PatternTrie(patterns.map((each) => [each, true] as const));
}

function isAny(): boolean {
  return true;
}

/** A token's scope makes up to 32 patterns of one: their condition is compiled once. */
function compileRules(rules: readonly ConditionalPattern[], ifUnknown: boolean): PatternTrie<EventTest> {
  const tests = new Map<string, EventTest>();
  return new PatternTrie(
    rules.map(({ pattern, when }) => {
      const text = JSON.stringify(when);
      const test = tests.get(text) ?? compileCondition(when, ifUnknown);
      tests.set(text, test);
      return [pattern, test] as const;
    }),
  );
}

/** Many patterns of one condition may match an event: it is asked once. */
function applies(rules: PatternTrie<EventTest>, { topic, attributes }: JudgedEvent): boolean {
  const asked = new Set<EventTest>();
  return rules.someCovering(topic, (test) => {
    if (asked.has(test)) return false;
    asked.add(test);
    return test(attributes);
  });
}
