import { isName } from "#shared/contract/names.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { changePolicy, type PolicyChanging } from "../change-policy.ts";
import { failedCases } from "../decide/failed-cases.ts";
import { decodeUtf8 } from "../document/decode-utf8.ts";
import type { Fault } from "../document/fault.ts";
import { parseDocument } from "../document/parse-document.ts";
import { takeFile } from "../policy-change.ts";
import { createTenant } from "../tenants/create-tenant.ts";

/** What a document file holds: its bytes and their hash. */
export interface FileContent {
  readonly name: string;
  readonly tenant: string;
  readonly bytes: Buffer;
  readonly hash: string;
}

/** How a file came up: it lay there when this process started, or it appeared or changed since. */
export type FileOccasion = "boot" | "change";

/** Why a file was not put in force. */
export interface Refusal {
  /** `older`: it was in force before, and another version replaced it. */
  readonly reason: "invalid" | "older";
  readonly faults: readonly Fault[];
}

/**
 * Puts a document file in force, and makes its tenant where there is none. A file that lay there at boot must be news to the
 * store: else a restart would bring back what was replaced since.
 * @throws {AppError} when that cannot be done right now.
 */
export async function applyFile(
  on: PolicyChanging,
  { name, tenant, bytes, hash }: FileContent,
  occasion: FileOccasion,
): Promise<Refusal | undefined> {
  if (!isName(tenant)) return invalid("the file must be named <tenant>.yaml, with a tenant of A-Z a-z 0-9 _ -");
  const text = decodeUtf8(bytes);
  if (text === undefined) return invalid("the file is not UTF-8");
  const parsed = parseDocument(text, tenant);
  if (parsed.faults !== undefined) return { reason: "invalid", faults: parsed.faults };
  const failed = failedCases(parsed);
  if (failed.length > 0 && !(await isInForce(on, tenant, hash))) return { reason: "invalid", faults: failed };
  await createTenant(on, tenant, "file");
  if (occasion === "boot" && (await wasReplaced(on, tenant, hash))) return { reason: "older", faults: [] };
  try {
    await changePolicy(on, tenant, takeFile(text, { name, hash }));
    return undefined;
  } catch (error) {
    if (error instanceof AppError && error.code === "body_too_large") return invalid(error.message);
    throw error;
  }
}

/** Cases were asked when the file was applied; that one of them would be answered otherwise by now takes nothing back. */
async function isInForce({ store }: PolicyChanging, tenant: string, hash: string): Promise<boolean> {
  const origin = (await store.read(tenant))?.policy.document.origin;
  return origin?.kind === "file" && origin.hash === hash;
}

async function wasReplaced({ store }: PolicyChanging, tenant: string, hash: string): Promise<boolean> {
  const hashes = (await store.history(tenant)).map(({ document: { origin } }) =>
    origin.kind === "file" ? origin.hash : undefined,
  );
  return hashes[0] !== hash && hashes.includes(hash);
}

function invalid(message: string): Refusal {
  return { reason: "invalid", faults: [{ path: "", message }] };
}
