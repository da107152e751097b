/** What an id that travels in subjects and keys is made of: a tenant's, a session's, a connection's. */
export const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** Whether `value` is an id. Anything else must never reach a subject, a key or a pattern. */
export function isName(value: string): boolean {
  return NAME.test(value);
}

/** How long a free name may be, in bytes of UTF-8. */
const MAX_FREE_NAME_BYTES = 256;

const CONTROL = /\p{Cc}/u;

/** Names of printable ASCII, which are most, need no further look: a token may carry thousands. */
const ASCII = /^[ -~]{1,256}$/;

/**
 * Whether `value` is a free name: a person's, a group's or a role's. Any text of 1 to 256 bytes of UTF-8 in normal form C
 * without control characters, so that one name is written in one way. It never reaches a subject or a key as it is.
 */
export function isFreeName(value: string): boolean {
  if (ASCII.test(value)) return true;
  return (
    value !== "" &&
    value.length <= MAX_FREE_NAME_BYTES &&
    value.isWellFormed() &&
    !CONTROL.test(value) &&
    new TextEncoder().encode(value).length <= MAX_FREE_NAME_BYTES &&
    value.normalize("NFC") === value
  );
}
