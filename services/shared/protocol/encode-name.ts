const PLAIN = /^[A-Za-z0-9_-]$/;

/** Each byte's text in a token. */
const TOKEN_OF_BYTE = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return PLAIN.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
});

/** The longest token of a topic: what a free name of 256 bytes takes at most. */
const MAX_TOKEN_CHARACTERS = 768;

const PLAIN_TOKEN = /^[A-Za-z0-9_-]+$/;

/** Bytes as they are, and bytes that need an encoding: whatever encodes a plain one is a second spelling. */
const ENCODED_TOKEN = /^(?:[A-Za-z0-9_-]|%(?!2D|3[0-9]|[46][1-9A-F]|[57][0-9A]|5F)[0-9A-F]{2})+$/;

const CONTROL = /\p{Cc}/u;

/**
 * Encodes a free name (a person's, a group's, a key that a producer chooses) as one token of a topic: its UTF-8, every byte
 * outside `A-Za-z0-9_-` as `%XX`. Different names have different tokens; a name in two Unicode normal forms is two names.
 * @throws {RangeError} for text that UTF-8 cannot hold, a half of a surrogate pair: it would become the same as another.
 */
export function encodeName(name: string): string {
  if (PLAIN_TOKEN.test(name)) return name;
  if (!name.isWellFormed()) throw new RangeError("a name must be well-formed Unicode");
  return Array.from(new TextEncoder().encode(name), (byte) => TOKEN_OF_BYTE[byte]).join("");
}

/**
 * The name that a token of a topic stands for; undefined for what is no token. A token is the one spelling of its name, so
 * that two of them never name one thing: nothing is encoded that needs no encoding, hexadecimal digits are upper case, and the
 * name is UTF-8 in normal form C without control characters.
 */
export function decodeName(token: string): string | undefined {
  if (token.length > MAX_TOKEN_CHARACTERS) return undefined;
  // Most tokens are plain, and each delivered event has some.
  if (PLAIN_TOKEN.test(token)) return token;
  return ENCODED_TOKEN.test(token) ? decodeBytes(token) : undefined;
}

function decodeBytes(token: string): string | undefined {
  try {
    const name = decodeURIComponent(token);
    return !CONTROL.test(name) && name.normalize("NFC") === name ? name : undefined;
  } catch {
    // Bytes that are no UTF-8.
    return undefined;
  }
}
