import { hash } from "node:crypto";
import { z } from "zod";
import type { RolesShard } from "../decide/subject-roles.ts";

/** The name of a part: a hash of what it holds, so that it never changes and equal parts are one. */
export type PartRef = string;

/** 128 bits: parts of different tenants never meet, so only a tenant's own administrator could look for two with one name. */
const REF_LENGTH = 22;
const REF = /^[A-Za-z0-9_-]{22}$/;

/** Whether a text can be the name of a part. */
export function isPartRef(text: string): boolean {
  return REF.test(text);
}

/** The name of the part that holds this. */
export function refOf(part: Uint8Array): PartRef {
  return hash("sha256", part, "base64url").slice(0, REF_LENGTH);
}

/** Each role stands once, and subjects name roles by their place: 64 roles of 256 bytes each take little then. */
const shardSchema = z.object({
  roles: z.array(z.string()),
  subjects: z.array(z.tuple([z.string()]).rest(z.int().min(0))),
});

/** A shard as a part. Equal shards have equal parts, in whatever order their subjects came. */
export function encodeShard(shard: RolesShard): Uint8Array {
  const roles = [...new Set([...shard.values()].flat())].toSorted();
  const placeOf = new Map(roles.map((role, place) => [role, place]));
  const subjects = [...shard]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([subject, held]) => [subject, ...held.map((role) => placeOf.get(role))]);
  return Buffer.from(JSON.stringify({ roles, subjects }));
}

/**
 * Reads a shard.
 * @throws when the bytes are not what `encodeShard` wrote.
 */
export function decodeShard(part: Uint8Array): RolesShard {
  const { roles, subjects } = shardSchema.parse(JSON.parse(Buffer.from(part).toString()));
  // Many subjects have the same roles: one list for all of them is a third of the memory.
  const lists = new Map<string, readonly string[]>();
  return new Map(
    subjects.map(([subject, ...places]) => {
      const key = places.join();
      const list = lists.get(key) ?? places.map((place) => roleAt(roles, place));
      lists.set(key, list);
      return [subject, list];
    }),
  );
}

function roleAt(roles: readonly string[], place: number): string {
  const role = roles[place];
  if (role === undefined) throw new Error(`a shard has no role ${place}`);
  return role;
}
