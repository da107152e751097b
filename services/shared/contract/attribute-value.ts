/**
 * An attribute's value as a header holds it, so that `decodeAttribute` gives it back. Raw UTF-8 and spaces stay raw, against CloudEvents'
 * NATS binding, section 3.1.3.2: an edge of an earlier release decodes nothing, and its conditions would miss them.
 */
export function encodeAttribute(value: string): string {
  return value.replaceAll("%", "%25").replace(/^"/, "%22");
}

/**
 * The value of an attribute that a header holds, in quotes or not (CloudEvents' bindings for NATS and for HTTP, section 3.1.3.2);
 * undefined where a `%` encodes nothing.
 */
export function decodeAttribute(value: string): string | undefined {
  if (!/["%]/.test(value)) return value;
  const unquoted = /^".*"$/.test(value) ? value.slice(1, -1).replaceAll(/\\(.)/g, "$1") : value;
  try {
    return decodeURIComponent(unquoted);
  } catch {
    return undefined;
  }
}
