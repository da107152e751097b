import type { Principal } from "#shared/contract/principal.ts";
import type { Scope } from "#shared/protocol/scope.ts";
import type { Attributes } from "./attributes.ts";
import { type Condition, conditionText } from "./condition.ts";
import type { Question } from "./question-fields.ts";

/** What a tenant allows: a policy document after every check, without the positions and the spelling of its text. */
export interface PolicyDocument {
  readonly tenant: string;
  readonly roles: ReadonlyMap<string, Role>;
  readonly bindings: readonly Binding[];
  /** What a group has, everyone in it has. */
  readonly attributes: ReadonlyMap<Principal, Attributes>;
  /** The issuers whose tokens' roles and groups count. */
  readonly trust: readonly TrustedIssuer[];
  /** In the document's order: the first pattern that matches an event type gives its permission. */
  readonly events: readonly EventRule[];
  readonly routes: readonly Route[];
  /** Test cases. A document that fails one is never put in force. */
  readonly tests: readonly PolicyCase[];
}

/** A named set of rules, with those of the roles it inherits. */
export interface Role {
  readonly inherits: readonly string[];
  readonly allow: readonly Rule[];
  readonly deny: readonly Rule[];
}

/** A permission pattern, the topics it is limited to, when it holds, and how much of an event it shows. */
export interface Rule {
  readonly permission: string;
  /** A topic pattern in which tokens may be `{sub}`, `{tenant}` or `{<attribute>}`; none means whatever the topic. */
  readonly topic: string | undefined;
  /** None means always. */
  readonly when: Condition | undefined;
  /** The fields that events are delivered without, sorted; none means that they are delivered whole. */
  readonly mask?: readonly string[] | undefined;
}

/** A role and who has it. */
export interface Binding {
  readonly role: string;
  readonly subjects: readonly Principal[];
  /** When it ends, in milliseconds since 1970; none means never. */
  readonly until?: number | undefined;
}

/** What of an issuer's tokens counts. */
export interface TrustedIssuer {
  readonly issuer: string;
  readonly roles: boolean;
  readonly groups: boolean;
  /** All of its attributes, none, or those of these names. */
  readonly attributes: boolean | readonly string[];
}

/** The permission that an event type asks for. */
export interface EventRule {
  readonly pattern: string;
  readonly permission: string;
}

/** The permission that an HTTP route needs, and the topics that report changes of it. */
export interface Route {
  readonly method: string;
  readonly path: string;
  readonly permission: string;
  readonly topics: readonly string[];
}

/** A question, and the answer that it must get. */
export interface PolicyCase {
  /** As a token says; the issuer is absent for auth's own tokens. */
  readonly subject: {
    readonly id: string;
    readonly roles: readonly string[];
    readonly groups: readonly string[];
    readonly issuer: string | undefined;
    readonly attributes: Attributes | undefined;
    readonly scope: Scope | undefined;
  };
  readonly question: Question;
  readonly expect: "allow" | "deny";
}

/**
 * A rule for people: `permission`, `permission@topic.pattern`, `without …` where it has a mask, and `when …` behind it where it
 * has a condition.
 */
export function ruleText({ permission, topic, when, mask }: Rule): string {
  const limited = topic === undefined ? permission : `${permission}@${topic}`;
  const masked = mask === undefined ? limited : `${limited} without ${mask.join(", ")}`;
  return when === undefined ? masked : `${masked} when ${conditionText(when)}`;
}
