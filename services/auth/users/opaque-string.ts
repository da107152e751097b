const NON_ASCII_SPACE = /(?! )\p{Zs}/gu;

const CONTROL = /\p{Cc}/u;

/**
 * A password in the form of the PRECIS profile OpaqueString (RFC 8265, section 4.2): other spaces are the ASCII space, and the
 * text is NFC, so that one password typed on two keyboards is one. Undefined for an empty text, and for one with control
 * characters or half a character. Other characters that the profile refuses stay: nobody is shut out for an emoji.
 */
export function toOpaqueString(text: string): string | undefined {
  if (text === "" || !text.isWellFormed() || CONTROL.test(text)) return undefined;
  return text.replaceAll(NON_ASCII_SPACE, " ").normalize("NFC");
}
