import type { Version } from "#shared/contract/version.ts";
import { compileSnapshot, type Snapshot } from "./decide/snapshot.ts";
import type { Fault } from "./document/fault.ts";
import { parseDocument } from "./document/parse-document.ts";
import type { PolicyContent } from "./store/stored-policy.ts";

/** A snapshot, or everything that is wrong with the document. */
export type CompiledPolicy =
  | { readonly snapshot: Snapshot; readonly faults?: never }
  | { readonly snapshot?: never; readonly faults: readonly Fault[] };

/** Compiles what a tenant's policy says into the snapshot of the version that was stored at that time. */
export function compilePolicy(
  tenant: string,
  version: Version,
  { document, bindings }: PolicyContent,
  storedAt: string,
): CompiledPolicy {
  const parsed = parseDocument(document.text, tenant);
  if (parsed.faults !== undefined) return { faults: parsed.faults };
  return { snapshot: compileSnapshot(version, parsed.document, bindings, Date.parse(storedAt)) };
}
