import type { Subject as WireSubject } from "#proto/policy/v1/decision.ts";
import { parseScope } from "#shared/protocol/scope.ts";
import { attributesSchema } from "../document/attributes-schema.ts";
import type { Attributes } from "../document/attributes.ts";
import type { ClaimedSubject } from "../decide/trusted-subject.ts";
import { isName } from "#shared/protocol/names.ts";
import { type Version, versionSchema } from "#shared/contract/version.ts";
import { AppError } from "#shared/errors/app-error.ts";

/** The most questions in one call. */
const MAX_QUESTIONS = 1_024;

/** Throws `malformed_request` where a list is empty or too long. */
export function requireCount(what: string, count: number): void {
  if (count >= 1 && count <= MAX_QUESTIONS) return;
  throw new AppError("malformed_request", `${what} must be 1 to ${MAX_QUESTIONS}, not ${count}`);
}

/** The tenant of a request. */
export function readTenant(tenant: string): string {
  if (!isName(tenant)) throw new AppError("malformed_request", "the tenant is not a name");
  return tenant;
}

/** The subject of a question. */
export function readSubject({ scope: text, attributes: said, ...subject }: WireSubject): ClaimedSubject {
  const scope = text === undefined ? undefined : parseScope(text);
  // A limit that cannot be read must not count as none.
  if (scope === undefined && text !== undefined) throw new AppError("malformed_request", "a scope is malformed");
  return { ...subject, attributes: readAttributes(said), scope };
}

/** Attributes beyond the bounds count as absent: one subject must not spoil the others' questions. */
function readAttributes(said: WireSubject["attributes"]): Attributes | undefined {
  const entries = Object.entries(said?.byName ?? {}).map(([name, { values }]) => [name, values]);
  return entries.length === 0 ? undefined : attributesSchema.safeParse(Object.fromEntries(entries)).data;
}

/** The version that an answer must have at least. */
export function readVersion(version: Version | undefined): Version | undefined {
  if (version === undefined) return undefined;
  const parsed = versionSchema.safeParse(version);
  if (!parsed.success) throw new AppError("malformed_request", "at_least is not a version");
  return parsed.data;
}
