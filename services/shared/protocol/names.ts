/** What a tenant id, a subject token, a user id or any other name that travels in subjects and keys may be made of. */
export const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** Whether `value` is a name. Anything else must never reach a subject, a key or a pattern. */
export function isName(value: string): boolean {
  return NAME.test(value);
}
