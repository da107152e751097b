import type { Version } from "#shared/contract/version.ts";
import { compileSnapshot, type Snapshot } from "./decide/snapshot.ts";
import type { Fault } from "./document/fault.ts";
import { type ParsedDocument, parseDocument } from "./document/parse-document.ts";
import type { PolicyContent } from "./store/stored-policy.ts";

/** A snapshot, or everything that is wrong with the document. */
export type CompiledPolicy =
  | { readonly snapshot: Snapshot; readonly faults?: never }
  | { readonly snapshot?: never; readonly faults: readonly Fault[] };

/**
 * Compiles what a tenant's policy says into the snapshot of the version that was stored at that time. `known`, another
 * snapshot of the tenant, spares reading the same text again: with 10 000 bindings that takes 90 of 97 ms.
 */
export function compilePolicy(
  tenant: string,
  version: Version,
  { document, bindings }: PolicyContent,
  storedAt: string,
  known?: Snapshot,
): CompiledPolicy {
  const parsed: ParsedDocument = known?.text === document.text ? known : parseDocument(document.text, tenant);
  if (parsed.faults !== undefined) return { faults: parsed.faults };
  const snapshot = compileSnapshot(version, parsed.document, bindings, Date.parse(storedAt));
  return { snapshot: { ...snapshot, text: document.text } };
}
