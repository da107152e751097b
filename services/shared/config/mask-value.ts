/** Variables whose whole value is a secret, keys of an API among headers; one that ends with `_FILE` names where it is. */
const SECRET = /(PASSWORD|SECRET|TOKEN|_KEY|_KEYS|SEED|NKEY|CREDS|CREDENTIALS|_HEADERS)$/;

/** No value makes a line that nobody reads. */
const MAX_CHARACTERS = 200;

/** A variable's value as it may be printed: a secret is `***`, and so is who a URL authenticates as. */
export function maskValue(name: string, value: string): string {
  if (SECRET.test(name)) return "***";
  // Up to the last @: a password that was not encoded may hold the others, and any character beside.
  return value
    .replace(/^((?:[a-z][a-z0-9+.-]*:)?\/\/)?.*@/is, (_, scheme: string = "") => `${scheme}***@`)
    .slice(0, MAX_CHARACTERS);
}
