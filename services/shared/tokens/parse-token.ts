import { AppError, type ErrorFacts } from "#shared/errors/app-error.ts";
import { parseJson } from "#shared/json/parse-json.ts";

/** What is accepted in a header: Entra's tokens with 199 groups take 11 KB, Keycloak's with many roles more. */
const MAX_TOKEN_CHARACTERS = 65_536;

/** A refusal never shows more of what the caller sent. */
const MAX_FACT_CHARACTERS = 256;

/** A token by its form; nothing of it is believed yet. */
export interface ParsedToken {
  readonly token: string;
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Readonly<Record<string, unknown>>;
}

/**
 * Takes a signed JSON Web Token apart (RFC 7515, section 3.1); undefined where it is none: it may be an opaque token.
 * @throws {AppError} `token_invalid` when it is longer than any token.
 */
export function parseToken(token: string): ParsedToken | undefined {
  if (token.length > MAX_TOKEN_CHARACTERS) {
    throw tokenInvalid(`the token has ${token.length} characters; at most ${MAX_TOKEN_CHARACTERS} are accepted`);
  }
  const [first = "", second = "", ...more] = token.split(".");
  if (more.length !== 1) return undefined;
  // Not the signature: a text that is no JSON costs as much as a tenth of its check.
  const header = decodePart(first);
  const payload = header && decodePart(second);
  return header !== undefined && payload !== undefined ? { token, header, payload } : undefined;
}

/** The refusal of a token that is none. */
export function notAToken(): AppError {
  return tokenInvalid("this is no signed JSON Web Token: it does not have three parts, or they cannot be decoded");
}

/** A refusal of a token. The facts name what is at fault, for the log. */
export function tokenInvalid(message: string, facts: Record<string, unknown> = {}, cause?: unknown): AppError {
  return new AppError("token_invalid", message, { facts: factsOf(facts), ...(cause !== undefined && { cause }) });
}

/** Facts as texts of a bounded length; what is undefined is left out. */
export function factsOf(facts: Record<string, unknown>): ErrorFacts {
  const given = Object.entries(facts).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, shown(value)]));
}

function shown(value: unknown): string {
  const text = typeof value === "string" ? value : jsonOf(value);
  return text.length > MAX_FACT_CHARACTERS ? `${text.slice(0, MAX_FACT_CHARACTERS)}…` : text;
}

/** JSON can be read however deep it is nested, and not written. */
function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    return "nested too deep to be shown";
  }
}

function decodePart(part: string): Record<string, unknown> | undefined {
  const json = parseJson(Buffer.from(part, "base64url").toString());
  return isObject(json) ? json : undefined;
}

function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
