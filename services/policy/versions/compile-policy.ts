import type { Version } from "#shared/contract/version.ts";
import { failedCases } from "../decide/failed-cases.ts";
import { compileSnapshot, rebindSnapshot, type Snapshot } from "../decide/snapshot.ts";
import type { Fault } from "../document/fault.ts";
import { parseDocument } from "../document/parse-document.ts";
import type { StoredPolicy } from "./stored-policy.ts";

/** A snapshot, or everything that is wrong with the document. */
export type CompiledPolicy =
  | { readonly snapshot: Snapshot; readonly faults?: never }
  | { readonly snapshot?: never; readonly faults: readonly Fault[] };

/** What compiling needs to know beside the policy itself. */
export interface Compiling {
  /** When the version was stored, or is about to be. */
  readonly storedAt: string;
  /** Whether the document is asked its own test cases: before it is put in force, and not again afterwards. */
  readonly asksCases: boolean;
  /** Another snapshot of the tenant: where its text is the same, nothing of the document is read or compiled again. */
  readonly known: Snapshot | undefined;
}

/** What a snapshot is compiled from. */
type CompiledContent = Pick<StoredPolicy, "document" | "bindings"> &
  Partial<Pick<StoredPolicy, "lifecycle" | "limits">>;

/** Compiles what a tenant's policy says into the snapshot of a version. */
export function compilePolicy(
  tenant: string,
  version: Version,
  { document: { text }, bindings, lifecycle, limits = {} }: CompiledContent,
  { storedAt, asksCases, known }: Compiling,
): CompiledPolicy {
  const standing = lifecycle && { standing: { state: lifecycle.state, limits } };
  const at = Date.parse(storedAt);
  if (known?.text === text) return { snapshot: { ...rebindSnapshot(known, version, bindings, at), ...standing } };
  const parsed = parseDocument(text, tenant);
  const faults = parsed.faults ?? (asksCases ? failedCases(parsed) : []);
  if (parsed.document === undefined || faults.length > 0) return { faults };
  return { snapshot: { ...compileSnapshot(version, parsed.document, bindings, at), text, ...standing } };
}

/** All faults of a document, failed test cases included. */
export function documentFaults(text: string, tenant: string): readonly Fault[] {
  const parsed = parseDocument(text, tenant);
  return parsed.faults ?? failedCases(parsed);
}
