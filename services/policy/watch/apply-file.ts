import { isName } from "#shared/protocol/names.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { changePolicy } from "../change-policy.ts";
import { documentFaults } from "../versions/compile-policy.ts";
import { decodeUtf8 } from "#shared/json/decode-utf8.ts";
import type { Fault } from "../document/fault.ts";
import { takeFile } from "../changes/commands.ts";
import { createTenant, isDeleted } from "../tenants/create-tenant.ts";
import type { TenantDeps } from "../tenants/tenant-deps.ts";

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
  /** `older`: another version has replaced it. `deleted`: its tenant is deleted, and no file brings it back. */
  readonly reason: "invalid" | "older" | "deleted";
  readonly faults: readonly Fault[];
}

/**
 * Puts a document file in force, and makes its tenant where there is none. A file that lay there at boot must be news to the
 * store: else a restart would bring back what was replaced since.
 * @throws {AppError} when that cannot be done right now.
 */
export async function applyFile(
  deps: TenantDeps,
  { name, tenant, bytes, hash }: FileContent,
  occasion: FileOccasion,
): Promise<Refusal | undefined> {
  if (!isName(tenant)) {
    return invalid(
      `the file must be named <tenant>.yaml, .yml or .json, with a tenant of 1 to 64 of A-Z a-z 0-9 _ -; keep a copy outside the directory`,
    );
  }
  const text = decodeUtf8(bytes);
  if (text === undefined) return invalid("the file is not UTF-8");
  const faults = await faultsOf(deps, text, tenant);
  if (faults.length > 0) return { reason: "invalid", faults: faults.map((fault) => withFileAdvice(fault, name)) };
  if (await isDeleted(deps, tenant)) return { reason: "deleted", faults: [] };
  await createTenant(deps, tenant, "file");
  if (occasion === "boot" && (await wasReplaced(deps, tenant, hash))) return { reason: "older", faults: [] };
  try {
    await changePolicy(deps, tenant, takeFile(text, { name, hash }));
    return undefined;
  } catch (error) {
    if (error instanceof AppError && error.code === "body_too_large") return invalid(error.message);
    throw error;
  }
}

/** What is given up for the time that it takes is as wrong as anything else. */
async function faultsOf({ compiler }: TenantDeps, text: string, tenant: string): Promise<readonly Fault[]> {
  return documentFaults(compiler, text, tenant).catch((error: unknown) => {
    if (error instanceof AppError && error.code === "document_invalid") return [{ path: "", message: error.message }];
    throw error;
  });
}

async function wasReplaced({ store }: TenantDeps, tenant: string, hash: string): Promise<boolean> {
  const hashes = (await store.history(tenant)).map(({ document: { origin } }) =>
    origin.kind === "file" ? origin.hash : undefined,
  );
  return hashes[0] !== hash && hashes.includes(hash);
}

/** A copy under another name is the way most people come here. */
function withFileAdvice(fault: Fault, name: string): Fault {
  if (fault.path !== "tenant") return fault;
  return {
    ...fault,
    message: `${fault.message}; ${name} must be named like it, and a copy kept outside the directory`,
  };
}

function invalid(message: string): Refusal {
  return { reason: "invalid", faults: [{ path: "", message }] };
}
