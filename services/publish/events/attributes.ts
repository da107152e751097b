import { AppError } from "#shared/errors/app-error.ts";

/** The names of attributes (CloudEvents 1.0, section 3.1); they become headers, so that none may hold anything else. */
const NAME = /^[a-z0-9]{1,64}$/;

/** Without line ends: a value must not become a header of its own. */
const CONTROL = /\p{Cc}/u;

/** The longest id, in bytes. */
const MAX_ID_BYTES = 256;

/**
 * The attributes of an event as texts; what is null is not there (CloudEvents JSON format, section 2.2).
 * @throws {AppError} `malformed_request` for a name or value that no attribute may have.
 */
export function readAttributes(given: Readonly<Record<string, unknown>>): Record<string, string> {
  const attributes = Object.entries(given).flatMap(([name, value]) => {
    if (!NAME.test(name)) throw malformed(`${shown(name)} is no name of an attribute: use a to z and 0 to 9`);
    return value === null || value === undefined ? [] : [[name, textOf(name, value)] as const];
  });
  return Object.fromEntries(attributes);
}

function textOf(name: string, value: unknown): string {
  if (typeof value !== "string" && typeof value !== "boolean" && typeof value !== "number") {
    throw malformed(`"${name}" must be a text, a number, true or false`);
  }
  const text = String(value);
  if (CONTROL.test(text) || !text.isWellFormed()) throw malformed(`"${name}" holds a control character or half of one`);
  if (text.trim() !== text) throw malformed(`"${name}" begins or ends with a space`);
  return text;
}

/**
 * An event's id.
 * @throws {AppError} `malformed_request`.
 */
export function readId(name: string, value: unknown): string {
  if (typeof value !== "string" || value === "" || Buffer.byteLength(value) > MAX_ID_BYTES) {
    throw malformed(`"${name}" must be a text of 1 to ${MAX_ID_BYTES} bytes`);
  }
  return textOf(name, value);
}

function shown(name: string): string {
  return JSON.stringify(name.length > 64 ? `${name.slice(0, 64)}…` : name);
}

function malformed(message: string): AppError {
  return new AppError("malformed_request", message);
}
