import { readFile } from "node:fs/promises";
import { BootError } from "#shared/config/read-config.ts";

/** What the demo's keys are encrypted with: public, as all of the demo's secrets are. */
const DEMO_KEY = Buffer.alloc(32, "sluice-demo");

const HOW_TO_MAKE_ONE = "make one with: openssl rand -base64 32";

/** Where the key that encrypts the stored keys comes from. */
export interface EncryptionKeySettings {
  readonly AUTH_KEY_ENCRYPTION_KEY?: string | undefined;
  readonly AUTH_KEY_ENCRYPTION_KEY_FILE?: string | undefined;
  readonly SLUICE_DEMO: "0" | "1";
}

/**
 * Reads the key that encrypts the stored keys, from the environment or a file; only the demo has one of its own.
 * @throws {BootError} when there is none, there are two, or it is not 32 bytes in base64.
 */
export async function readEncryptionKey(settings: EncryptionKeySettings): Promise<Uint8Array> {
  requireEncryptionKey(settings);
  const { AUTH_KEY_ENCRYPTION_KEY: given, AUTH_KEY_ENCRYPTION_KEY_FILE: path } = settings;
  if (given !== undefined) return parseKey(given, "AUTH_KEY_ENCRYPTION_KEY");
  return path === undefined ? DEMO_KEY : parseKey(await readKeyFile(path), "the file of AUTH_KEY_ENCRYPTION_KEY_FILE");
}

/**
 * Makes sure that one setting says what encrypts the stored keys.
 * @throws {BootError} when none does, outside the demo, or two do.
 */
export function requireEncryptionKey(settings: EncryptionKeySettings): void {
  const { AUTH_KEY_ENCRYPTION_KEY: given, AUTH_KEY_ENCRYPTION_KEY_FILE: path } = settings;
  if (given !== undefined && path !== undefined) {
    throw new BootError("set either AUTH_KEY_ENCRYPTION_KEY or AUTH_KEY_ENCRYPTION_KEY_FILE, not both");
  }
  if (given !== undefined || path !== undefined || settings.SLUICE_DEMO === "1") return;
  throw new BootError(
    `signing keys are stored encrypted: set AUTH_KEY_ENCRYPTION_KEY_FILE or AUTH_KEY_ENCRYPTION_KEY; ${HOW_TO_MAKE_ONE}`,
  );
}

async function readKeyFile(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new BootError(`AUTH_KEY_ENCRYPTION_KEY_FILE cannot be read: ${(error as Error).message}`);
  }
}

function parseKey(text: string, where: string): Uint8Array {
  if (/^[\w+/-]{43}=?$/.test(text.trim())) return Buffer.from(text.trim(), "base64url");
  throw new BootError(`${where} must hold 32 bytes in base64; ${HOW_TO_MAKE_ONE}`);
}
