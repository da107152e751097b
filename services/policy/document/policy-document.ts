/** What a tenant allows: a policy document after every check, without the positions and the spelling of its text. */
export interface PolicyDocument {
  readonly tenant: string;
  readonly roles: ReadonlyMap<string, Role>;
  readonly bindings: readonly Binding[];
  /** In the document's order: the first pattern that matches an event type gives its permission. */
  readonly events: readonly EventRule[];
  readonly routes: readonly Route[];
  /** What must hold of all this: a document that its own cases contradict is never put in force. */
  readonly tests: readonly PolicyCase[];
}

/** A named set of rules, with those of the roles it inherits. */
export interface Role {
  readonly inherits: readonly string[];
  readonly allow: readonly Rule[];
  readonly deny: readonly Rule[];
}

/** A permission pattern, and the topics it is limited to. */
export interface Rule {
  readonly permission: string;
  /** A topic pattern in which tokens may be `{sub}` or `{tenant}`; none means whatever the topic. */
  readonly topic: string | undefined;
}

/** A role and who has it: names of subjects, and `group:<name>` for everyone in a group. */
export interface Binding {
  readonly role: string;
  readonly subjects: readonly string[];
}

/** The permission that an event type asks for. */
export interface EventRule {
  readonly pattern: string;
  readonly permission: string;
}

/** The permission that an HTTP route asks for, and the topics that tell of changes behind it. */
export interface Route {
  readonly method: string;
  readonly path: string;
  readonly permission: string;
  readonly topics: readonly string[];
}

/** Somebody, as a token would tell, what they ask for, and the answer that they must get. */
export interface PolicyCase {
  readonly subject: string;
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  readonly question:
    | { readonly of: "permission"; readonly permission: string }
    | { readonly of: "topic"; readonly topic: string };
  readonly expect: "allow" | "deny";
}

/** A rule as the document spells it: `permission` or `permission@topic.pattern`. */
export function ruleText({ permission, topic }: Rule): string {
  return topic === undefined ? permission : `${permission}@${topic}`;
}

/** How a binding names everyone in a group. */
export function groupSubject(group: string): string {
  return `group:${group}`;
}
