import { z } from "zod";
import { nameSchema } from "#shared/contract/name-schema.ts";
import { decodeName, encodeName } from "#shared/protocol/encode-name.ts";
import { isFreeName } from "#shared/protocol/names.ts";
import { formatScope, parseScope, type Scope } from "#shared/protocol/scope.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import { MAX_ATTRIBUTE_BYTES } from "../document/attributes-schema.ts";
import { SUBJECT_ID } from "../document/condition.ts";
import type { Attributes } from "../document/attributes.ts";
import { rolesIn, type RoleSet, unionOf } from "./role-set.ts";
import type { Snapshot } from "./snapshot.ts";

/** A grant as a snapshot reads it: all roles it has, inherited ones included, and the values their rules look at. */
export interface Grant {
  readonly roles: RoleSet;
  readonly sub: string | undefined;
  readonly attributes: Attributes;
  /** What the token is limited to; undefined where it has no scope. */
  readonly scope: Scope | undefined;
}

const NO_ATTRIBUTES: Attributes = new Map();

/** Base64url takes four characters for three bytes. */
const MAX_ENCODED_LENGTH = (MAX_ATTRIBUTE_BYTES / 3) * 4;

const attributesSchema = z
  .array(z.tuple([nameSchema, z.array(z.string())]))
  .transform((entries): Attributes => new Map(entries));

/**
 * The id of the grant for these roles: `<roles>@<sub>@<attributes>`, where the sub and each attribute stand only if a
 * rule of the roles looks at them, and the last part only if there are any; a scope follows behind `~`. Roles and sub are
 * tokens (`encodeName`), which hold none of the separators. An id is complete, so any process of policy can read the grants
 * of any other, and equal ids decide equally.
 */
export function encodeGrant(
  snapshot: Snapshot,
  roles: readonly string[],
  sub: string,
  { attributes = NO_ATTRIBUTES, scope }: { readonly attributes?: Attributes; readonly scope?: Scope | undefined } = {},
): string {
  const all = withInherited(snapshot, roles);
  const used = new Set(rolesIn(all).flatMap((role) => snapshot.namesUsed[role] ?? []));
  const entries = [...attributes].filter(([name]) => used.has(name)).toSorted(byName);
  const personal = used.has(SUBJECT_ID) && isFreeName(sub) ? encodeName(sub) : "";
  const id = `${[...new Set(roles)].toSorted().map(encodeName).join(",")}@${personal}`;
  const limit = scope === undefined ? "" : `~${base64url(formatScope(scope))}`;
  return entries.length === 0 ? `${id}${limit}` : `${id}@${base64url(JSON.stringify(entries))}${limit}`;
}

/**
 * Reads a grant's id. Roles that this version does not define are left out: they give nothing.
 * @throws {AppError} `malformed_request` when it is not an id that policy gives out.
 */
export function decodeGrant(snapshot: Snapshot, id: string): Grant {
  const [limited = "", limit] = id.split("~", 2);
  const scope = limit === undefined ? undefined : parseScope(Buffer.from(limit, "base64url").toString());
  const [list = "", token, encoded, ...more] = limited.split("@");
  const names = list === "" ? [] : list.split(",").map(readName);
  const roles = names.filter((name) => name !== undefined);
  const sub = token === "" ? undefined : readName(token ?? "");
  const attributes = encoded === undefined ? NO_ATTRIBUTES : decodeAttributes(encoded);
  const isMalformed = (sub === undefined && token !== "") || more.length > 0 || roles.length < names.length;
  if (isMalformed || attributes === undefined || (scope === undefined && limit !== undefined)) {
    throw new AppError("malformed_request", "this is not the id of a grant");
  }
  return { roles: withInherited(snapshot, roles), sub, attributes, scope };
}

/** The values of one of the subject's attributes, as conditions and topics name it; undefined where it has none. */
export function valuesOf({ sub, attributes }: Grant, name: string): readonly string[] | undefined {
  if (name !== SUBJECT_ID && name !== "sub") return attributes.get(name);
  return sub === undefined ? undefined : [sub];
}

/** The set of these roles and everything they inherit. */
export function withInherited({ roleBits, lineages }: Snapshot, roles: readonly string[]): RoleSet {
  const held = roles.flatMap((role) => lineages[roleBits.get(role) ?? -1] ?? []);
  return unionOf(roleBits.size, held);
}

function readName(token: string): string | undefined {
  const name = decodeName(token);
  return name !== undefined && isFreeName(name) ? name : undefined;
}

function base64url(text: string): string {
  return Buffer.from(text).toString("base64url");
}

function decodeAttributes(encoded: string): Attributes | undefined {
  if (encoded.length > MAX_ENCODED_LENGTH) return undefined;
  return attributesSchema.safeParse(parseJson(Buffer.from(encoded, "base64url").toString())).data;
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
