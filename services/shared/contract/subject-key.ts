import { encodeName } from "../protocol/encode-name.ts";

/**
 * A subject of a tenant as a key in a store: `<tenant>.<the subject's token>`. It has no braces, spaces or colons, and no two
 * subjects have one. A subject whose name is an id has the key that it had before names were free.
 */
export function subjectKey(tenant: string, subject: string): string {
  return `${tenant}.${encodeName(subject)}`;
}
