/** No value makes a line that nobody reads. */
const MAX_CHARACTERS = 200;

/** A setting's value as it may be printed: a secret is `***`, and so is who a URL authenticates as, whatever the setting. */
export function maskValue(value: string, { secret }: { readonly secret: boolean }): string {
  if (secret) return "***";
  // Up to the last @: a password that was not encoded may hold the others, and any character beside.
  return value
    .replace(/^((?:[a-z][a-z0-9+.-]*:)?\/\/)?.*@/is, (_, scheme: string = "") => `${scheme}***@`)
    .slice(0, MAX_CHARACTERS);
}
