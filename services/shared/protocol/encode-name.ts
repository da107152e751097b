const PLAIN = /^[A-Za-z0-9_-]$/;

/** Each byte's text in a token. */
const TOKEN_OF_BYTE = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return PLAIN.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
});

/**
 * Encodes a free name (a person's, a group's, a key that a producer chooses) as one token of a topic: its UTF-8, every byte
 * outside `A-Za-z0-9_-` as `%XX`. Different names have different tokens; a name in two Unicode normal forms is two names.
 * @throws {RangeError} for text that UTF-8 cannot hold, a half of a surrogate pair: it would become the same as another.
 */
export function encodeName(name: string): string {
  if (!name.isWellFormed()) throw new RangeError("a name must be well-formed Unicode");
  return Array.from(new TextEncoder().encode(name), (byte) => TOKEN_OF_BYTE[byte]).join("");
}
