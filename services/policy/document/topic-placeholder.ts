const PLACEHOLDER = /^\{([A-Za-z0-9_-]{1,64})\}$/;

/** The name in a token of a rule's topic that is a placeholder, such as `{sub}`; undefined for other tokens. */
export function placeholderOf(token: string): string | undefined {
  return PLACEHOLDER.exec(token)?.[1];
}
