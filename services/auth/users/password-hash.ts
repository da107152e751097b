import { argon2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { AppError } from "#shared/errors/app-error.ts";
import { toOpaqueString } from "./opaque-string.ts";

/** An argon2id hash, taken apart. */
export interface PasswordHash {
  readonly memoryKiB: number;
  readonly passes: number;
  readonly lanes: number;
  readonly salt: Uint8Array;
  readonly tag: Uint8Array;
}

/** What OWASP's password storage guide asks for at least: 35 ms and 19 MiB for each login. */
const COST = { memoryKiB: 19_456, passes: 2, lanes: 1 };
const SALT_BYTES = 16;
const TAG_BYTES = 32;

/** No file may ask for more than this: a typing error must not make each login take a gigabyte or a minute. */
const MAX_MEMORY_KIB = 1_048_576;
const MAX_PASSES = 16;
const MAX_LANES = 16;

/** The PHC string format for argon2id: base64 without padding, salts and tags of 16 to 64 bytes. */
const PHC = /^\$argon2id\$v=19\$m=(\d{1,8}),t=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]{22,86})\$([A-Za-z0-9+/]{22,86})$/;

const deriveTag = promisify(argon2);

/** Takes a PHC string apart; undefined when it is not one of argon2id, version 19, at a cost we are willing to pay. */
export function parsePasswordHash(text: string): PasswordHash | undefined {
  const [, m, t, p, salt = "", tag = ""] = PHC.exec(text) ?? [];
  const [memoryKiB, passes, lanes] = [Number(m), Number(t), Number(p)];
  const isCostAllowed =
    memoryKiB >= 8 * lanes &&
    memoryKiB <= MAX_MEMORY_KIB &&
    isBetween(passes, 1, MAX_PASSES) &&
    isBetween(lanes, 1, MAX_LANES);
  if (!isCostAllowed) return undefined;
  return { memoryKiB, passes, lanes, salt: Buffer.from(salt, "base64"), tag: Buffer.from(tag, "base64") };
}

/**
 * Hashes a password, in the form of RFC 8265, with a fresh salt; the result is a PHC string.
 * @throws {AppError} `malformed_request` for what can be no password.
 */
export async function hashPassword(typed: string): Promise<string> {
  const password = toOpaqueString(typed);
  if (password === undefined) {
    throw new AppError("malformed_request", "a password must not be empty, nor have control characters");
  }
  const salt = randomBytes(SALT_BYTES);
  const tag = await tagOf(password, { ...COST, salt, tag: new Uint8Array(TAG_BYTES) });
  return formatPasswordHash({ ...COST, salt, tag });
}

/** Puts a hash together again: the PHC string that `parsePasswordHash` takes apart. */
export function formatPasswordHash({ memoryKiB, passes, lanes, salt, tag }: PasswordHash): string {
  return `$argon2id$v=19$m=${memoryKiB},t=${passes},p=${lanes}$${unpadded(salt)}$${unpadded(tag)}`;
}

/**
 * Whether the password is the hashed one, in the form of RFC 8265 or as it was typed: earlier releases hashed what was typed.
 * How long a wrong one takes depends on it alone, not on the hash: a text with two forms takes twice as long. Off the event loop.
 */
export async function verifyPassword(typed: string, hash: PasswordHash): Promise<boolean> {
  for (const password of new Set([toOpaqueString(typed) ?? typed, typed])) {
    if (timingSafeEqual(await tagOf(password, hash), hash.tag)) return true;
  }
  return false;
}

function tagOf(password: string, { memoryKiB, passes, lanes, salt, tag }: PasswordHash): Promise<Buffer> {
  return deriveTag("argon2id", {
    message: password,
    nonce: salt,
    memory: memoryKiB,
    passes,
    parallelism: lanes,
    tagLength: tag.length,
  });
}

function isBetween(value: number, min: number, max: number): boolean {
  return value >= min && value <= max;
}

function unpadded(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").replaceAll("=", "");
}
