import { createCipheriv, createDecipheriv, hash, hkdfSync } from "node:crypto";

/** One block: a tenant's mark and a sequence. */
const BLOCK_BYTES = 16;
const MARK_BYTES = 8;

/**
 * Names for entries of the audit trail. Its sequences count what all tenants do; a name says nothing but that it is an entry of its
 * tenant, and is the same each time.
 */
export interface EntryNames {
  nameOf(tenant: string, sequence: number): string;
  /** The sequence in a name; undefined where it is none of the tenant's. */
  sequenceOf(tenant: string, name: string): number | undefined;
}

/** Makes names by a key that only auth has: one block of AES is a permutation, so no two sequences have one name. */
export function createEntryNames(encryptionKey: Uint8Array): EntryNames {
  const key = Buffer.from(hkdfSync("sha256", encryptionKey, "", "sluice audit entry", 32));
  return {
    nameOf(tenant, sequence) {
      const block = Buffer.alloc(BLOCK_BYTES);
      block.set(markOf(tenant));
      block.writeBigUInt64BE(BigInt(sequence), MARK_BYTES);
      const cipher = createCipheriv("aes-256-ecb", key, null).setAutoPadding(false);
      return Buffer.concat([cipher.update(block), cipher.final()]).toString("base64url");
    },
    sequenceOf(tenant, name) {
      const block = Buffer.from(name, "base64url");
      if (block.length !== BLOCK_BYTES || block.toString("base64url") !== name) return undefined;
      const decipher = createDecipheriv("aes-256-ecb", key, null).setAutoPadding(false);
      const plain = Buffer.concat([decipher.update(block), decipher.final()]);
      if (!plain.subarray(0, MARK_BYTES).equals(markOf(tenant))) return undefined;
      return Number(plain.readBigUInt64BE(MARK_BYTES));
    },
  };
}

function markOf(tenant: string): Buffer {
  return hash("sha256", tenant, "buffer").subarray(0, MARK_BYTES);
}
