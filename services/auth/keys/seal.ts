import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

const CIPHER = "aes-256-gcm";
const VERSION = "v1";
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Encrypts what is stored. */
export interface Sealer {
  /** Encrypts a secret under its name; the same name opens it. */
  seal(name: string, secret: Uint8Array): string;
  /** Decrypts; throws when the text is not what was sealed under this name with this key. */
  open(name: string, sealed: string): Buffer;
}

/**
 * A sealer with a key of 32 bytes: AES-256-GCM with a random nonce, as `v1.<nonce>.<ciphertext and tag>` in base64url. The
 * name is bound as associated data, so that one sealed secret cannot be put in the place of another.
 */
export function createSealer(key: Uint8Array): Sealer {
  return {
    seal(name, secret) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(CIPHER, key, iv).setAAD(associatedData(name));
      const sealed = Buffer.concat([cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
      return [VERSION, iv.toString("base64url"), sealed.toString("base64url")].join(".");
    },
    open(name, text) {
      const [version, iv = "", sealed = "", ...more] = text.split(".");
      if (version !== VERSION || more.length > 0) throw new Error("this is not a sealed secret");
      const bytes = Buffer.from(sealed, "base64url");
      const decipher = createDecipheriv(CIPHER, key, Buffer.from(iv, "base64url"), { authTagLength: TAG_BYTES });
      decipher.setAAD(associatedData(name)).setAuthTag(bytes.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(bytes.subarray(0, -TAG_BYTES)), decipher.final()]);
    },
  };
}

function associatedData(name: string): Buffer {
  return Buffer.from(`sluice_keys/${VERSION}/${name}`);
}
