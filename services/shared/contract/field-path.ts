import { decodeName } from "#shared/protocol/encode-name.ts";

/** The most fields that one mask may name. */
export const MAX_MASK_FIELDS = 16;

const MAX_NAMES = 8;

/**
 * Whether a text is the path of a field in JSON: up to 8 names with dots between, each encoded as the token of a topic is, or `*`
 * for any name. A name is one of a member of an object; the elements of an array stand where the array stands.
 */
export function isFieldPath(text: string): boolean {
  const names = text.split(".");
  return names.length <= MAX_NAMES && names.every((name) => name === "*" || decodeName(name) !== undefined);
}
