import { coveringCandidates } from "../document/covering-rules.ts";
import { type EventRule, type Rule, ruleText } from "../document/policy-document.ts";
import { ruleCovers, rulesOverlap } from "../document/rule-covers.ts";
import { rolesByName, type Rules, rulesOf } from "./effect-diff.ts";
import type { PolicySource } from "./policy-diff.ts";

/** How much of the events of a pattern somebody sees: all of them whole, or what these rules let through. */
export interface Sight {
  readonly how: "all" | "some";
  /** Rules as a document spells them, `deny` before those that deny: the first few; none where all is seen. */
  readonly rules: readonly string[];
}

/** What one name of a policy sees. */
export interface NamedSights {
  /** A principal, or `role:<name>` for everybody who has the role from a token. */
  readonly who: string;
  readonly roles: readonly string[];
  /** By event pattern; what is not seen at all is left out. */
  readonly sees: Readonly<Record<string, Sight>>;
}

/** More rules than that nobody reads. */
const MAX_RULES = 5;

/** All names of a policy: people first, then groups, then roles, each in the order of their code points. */
export function namesIn(source: PolicySource): string[] {
  return [...rolesByName(source).keys()].toSorted(
    (one, other) => kindOf(one) - kindOf(other) || (one < other ? -1 : Number(one > other)),
  );
}

function kindOf(name: string): number {
  return name.startsWith("role:") ? 2 : Number(name.startsWith("group:"));
}

/** What these names see of the events that a policy's event map knows. Names that the policy does not have see nothing. */
export function visibilityOf(source: PolicySource, names: readonly string[]): NamedSights[] {
  const held = rolesByName(source);
  const known = new Map<string, NamedSights["sees"]>();
  return names.map((who) => {
    const roles = held.get(who) ?? [];
    const key = JSON.stringify(roles);
    const sees = known.get(key) ?? sightsOf(source.document.events, rulesOf(source, roles));
    known.set(key, sees);
    return { who, roles, sees };
  });
}

/** Each event is compared with the rules that may be about it: all rules with all events took minutes at 10 000 and 1 000. */
function sightsOf(events: readonly EventRule[], { allow, deny }: Rules): NamedSights["sees"] {
  const [allowsFor, deniesFor] = [allow, deny].map((rules) => coveringCandidates(rules, (rule) => rule));
  const sights = events.map(({ pattern, permission }) => {
    const rule = { permission, topic: undefined, when: undefined };
    const rules = { allow: allowsFor?.(rule) ?? [], deny: deniesFor?.(rule) ?? [] };
    return [pattern, sightOf(rules, pattern, permission)] as const;
  });
  // A pattern that comes again never matches: the first one does.
  return Object.fromEntries(sights.toReversed().flatMap(([pattern, sight]) => (sight ? [[pattern, sight]] : [])));
}

function sightOf({ allow, deny }: Rules, pattern: string, permission: string): Sight | undefined {
  const asked = topicsOf(pattern).map((topic): Rule => ({ permission, topic, when: undefined }));
  const isAbout = (rule: Rule): boolean => asked.some((each) => rulesOverlap(rule, each));
  const coversAll = (rules: readonly Rule[]): boolean =>
    rules.some((rule) => asked.every((each) => ruleCovers(rule, each)));
  const [allowing, denying] = [allow.filter(isAbout), deny.filter(isAbout)];
  if (allowing.length === 0 || coversAll(denying)) return undefined;
  if (coversAll(allowing) && denying.length === 0) return { how: "all", rules: [] };
  const texts = [...allowing.map(ruleText), ...denying.map((rule) => `deny ${ruleText(rule)}`)];
  return { how: "some", rules: [...new Set(texts)].slice(0, MAX_RULES) };
}

/** The topics of the types that a pattern stands for: a type has two tokens, and its topics may have more. */
function topicsOf(pattern: string): readonly string[] {
  return pattern.endsWith(">") ? [pattern] : [pattern, `${pattern}.>`];
}
