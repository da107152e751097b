import type { Version } from "#shared/contract/version.ts";
import { failedCases } from "./decide/failed-cases.ts";
import { compileSnapshot, type Snapshot } from "./decide/snapshot.ts";
import type { Fault } from "./document/fault.ts";
import { parseDocument } from "./document/parse-document.ts";
import type { PolicyContent } from "./store/stored-policy.ts";

/** A snapshot, or everything that is wrong with the document. */
export type CompiledPolicy =
  | { readonly snapshot: Snapshot; readonly faults?: never }
  | { readonly snapshot?: never; readonly faults: readonly Fault[] };

/**
 * Compiles what a tenant's policy says into the snapshot of the version that was stored at that time. A document is asked its
 * own test cases before it is put in force; one that is in force need not be again.
 */
export function compilePolicy(
  tenant: string,
  version: Version,
  { document, bindings }: PolicyContent,
  { storedAt, asksCases }: { readonly storedAt: string; readonly asksCases: boolean },
): CompiledPolicy {
  const parsed = parseDocument(document.text, tenant);
  if (parsed.faults !== undefined) return { faults: parsed.faults };
  const failed = asksCases ? failedCases(parsed) : [];
  if (failed.length > 0) return { faults: failed };
  return { snapshot: compileSnapshot(version, parsed.document, bindings, Date.parse(storedAt)) };
}

/** Everything that speaks against putting a document in force, its own test cases included. */
export function documentFaults(text: string, tenant: string): readonly Fault[] {
  const parsed = parseDocument(text, tenant);
  return parsed.faults ?? failedCases(parsed);
}
