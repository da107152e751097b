import { boundAt, tableOfBindings } from "../decide/document-bindings.ts";
import { type EffectDiff, effectsOf } from "../decide/effect-diff.ts";
import { failedCases } from "../decide/failed-cases.ts";
import { diffPolicies, type PolicyDiff, type PolicySource } from "../decide/policy-diff.ts";
import { type NamedSights, namesIn, visibilityOf } from "../decide/visibility.ts";
import type { Fault } from "../document/fault.ts";
import { lintDocument } from "../document/lint-document.ts";
import { parseDocument } from "../document/parse-document.ts";
import type { PolicyDocument } from "../document/policy-document.ts";
import { runNow } from "../work/turns.ts";

/** Says what a text would be as the next document of a tenant. */
export interface ReviewJob {
  readonly kind: "review";
  readonly tenant: string;
  readonly text: string;
  /** The document in force. */
  readonly current: string;
  /** Roles set over HTTP, as far as they are looked at. */
  readonly httpBindings: ReadonlyMap<string, readonly string[]>;
  /** Milliseconds since 1970: bindings that have ended by then bind nobody. */
  readonly now: number;
}

/** What a text would be. With `faults` it would be refused, and nothing else can be said of it. */
export interface Review {
  readonly faults: readonly Fault[];
  readonly warnings: readonly Fault[];
  /** How many test cases it has, and those that it does not answer as they expect. */
  readonly cases: number;
  readonly failed: readonly Fault[];
  readonly diff: PolicyDiff;
  /** Who gains and loses by it: the first of them, and how many more there are. */
  readonly effects: readonly ReviewedEffect[];
  readonly moreEffects: number;
}

/** One effect, with `others` for the people and rules that are not named. */
export interface ReviewedEffect extends EffectDiff {
  readonly others: number;
  readonly moreRules: number;
}

/** Says who sees what by one version of a policy, or by two. */
export interface VisibilityJob {
  readonly kind: "visibility";
  readonly tenant: string;
  readonly policy: SeenPolicy;
  /** The version that it is compared with. */
  readonly earlier: SeenPolicy | undefined;
  /** Names begin behind this one. */
  readonly after: string | undefined;
  readonly limit: number;
}

/** A version of a policy, as far as it is looked at. */
export interface SeenPolicy {
  readonly text: string;
  readonly httpBindings: ReadonlyMap<string, readonly string[]>;
  /** When it was stored, or now for the one in force, in milliseconds since 1970. */
  readonly at: number;
}

/** Who sees what. */
export interface Visibility {
  /** The event map of the version. */
  readonly types: readonly { readonly pattern: string; readonly permission: string }[];
  readonly total: number;
  readonly people: readonly (NamedSights & { readonly saw?: NamedSights["sees"] })[];
  /** The `after` of the next page. */
  readonly next?: string | undefined;
}

const MAX_EFFECTS = 50;
const MAX_NAMES = 20;
const MAX_RULES = 50;
const NO_DIFF: PolicyDiff = { differences: [], more: 0 };

/** Reviews a text. */
export function review({ tenant, text, current, httpBindings, now }: ReviewJob): Review {
  const nothing = { warnings: [], cases: 0, failed: [], diff: NO_DIFF, effects: [], moreEffects: 0 };
  const parsed = parseDocument(text, tenant);
  if (parsed.document === undefined) return { ...nothing, faults: parsed.faults };
  const { document, faultAt } = parsed;
  const warnings = lintDocument(document, now).map(({ path, message, key }) => faultAt(path, message, key));
  const before = readDocument(tenant, current);
  const [was, is] = [before, document].map((each) => sourceOf(each, httpBindings, now));
  const effects = was === undefined || is === undefined ? [] : effectsOf(was, is);
  return {
    faults: [],
    warnings: warnings.slice(0, MAX_RULES),
    cases: document.tests.length,
    failed: failedCases(parsed),
    diff: was === undefined || is === undefined ? NO_DIFF : diffPolicies(was, is),
    effects: effects.slice(0, MAX_EFFECTS).map(boundEffect),
    moreEffects: Math.max(0, effects.length - MAX_EFFECTS),
  };
}

function boundEffect({ who, gains, loses }: EffectDiff): ReviewedEffect {
  const [gained, lost] = [gains.slice(0, MAX_RULES), loses.slice(0, MAX_RULES)];
  return {
    who: who.slice(0, MAX_NAMES),
    others: Math.max(0, who.length - MAX_NAMES),
    gains: gained,
    loses: lost,
    moreRules: gains.length - gained.length + loses.length - lost.length,
  };
}

/** Answers a page of who sees what. */
export function seeVisibility({ tenant, policy, earlier, after, limit }: VisibilityJob): Visibility {
  const [is, was] = [policy, earlier].map((each) =>
    each === undefined ? undefined : sourceOf(readDocument(tenant, each.text), each.httpBindings, each.at),
  );
  if (is === undefined) return { types: [], total: 0, people: [] };
  const names = namesIn(is);
  const gone = was === undefined ? [] : namesIn(was).filter((name) => !names.includes(name));
  const all = [...names, ...gone];
  const from = after === undefined ? 0 : all.indexOf(after) + 1;
  const page = all.slice(from, from + limit);
  const saw = new Map((was === undefined ? [] : visibilityOf(was, page)).map(({ who, sees }) => [who, sees]));
  return {
    types: is.document.events.map(({ pattern, permission }) => ({ pattern, permission })),
    total: all.length,
    people: visibilityOf(is, page).map((each) => {
      const before = saw.get(each.who);
      return before === undefined ? each : { ...each, saw: before };
    }),
    next: from + limit < all.length ? page.at(-1) : undefined,
  };
}

/** What was in force once can be read, unless another release wrote it. */
function readDocument(tenant: string, text: string): PolicyDocument | undefined {
  return parseDocument(text, tenant).document;
}

function sourceOf(
  document: PolicyDocument | undefined,
  httpBindings: PolicySource["httpBindings"],
  at: number,
): PolicySource | undefined {
  if (document === undefined) return undefined;
  return { document, httpBindings, documentBindings: runNow(boundAt(tableOfBindings(document), at)).documentBindings };
}
