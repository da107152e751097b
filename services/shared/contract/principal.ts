import { isFreeName } from "../protocol/names.ts";

const GROUP = "group:";
const SUBJECT = "subject:";

/** What begins like this is not taken for the name of a subject; `role:` is how reports name everybody who has a role. */
const PREFIXES = [GROUP, SUBJECT, "role:"];

/**
 * A subject, or everyone in a group, as one text: in a document's bindings and attributes, and in control entries. A group is
 * `group:<name>`. A subject is its name; where that begins with `group:`, `role:` or `subject:`, it is `subject:<name>`. So
 * a subject that is named `group:ops` is `subject:group:ops`, no two principals have one text, and none has two.
 */
export type Principal = string;

/** A subject as a principal. */
export function subjectPrincipal(name: string): Principal {
  return PREFIXES.some((prefix) => name.startsWith(prefix)) ? `${SUBJECT}${name}` : name;
}

/** Everyone in a group as a principal. */
export function groupPrincipal(name: string): Principal {
  return `${GROUP}${name}`;
}

/** The name of the subject that a principal is; undefined for a group. */
export function subjectOf(principal: Principal): string | undefined {
  if (principal.startsWith(GROUP)) return undefined;
  return principal.startsWith(SUBJECT) ? principal.slice(SUBJECT.length) : principal;
}

/** Whether `text` stands for a principal, in the one way to write it. */
export function isPrincipal(text: string): boolean {
  if (text.startsWith(GROUP)) return isFreeName(text.slice(GROUP.length));
  const name = text.startsWith(SUBJECT) ? text.slice(SUBJECT.length) : text;
  return isFreeName(name) && subjectPrincipal(name) === text;
}
