import type { Version } from "#shared/contract/version.ts";
import { type EndedBindings, NONE_ENDED } from "../decide/document-bindings.ts";
import { openSnapshot, rebindSnapshot, type Snapshot } from "../decide/snapshot.ts";
import type { Fault } from "../document/fault.ts";
import { runInTurns } from "../work/turns.ts";
import type { DocumentCompiler } from "./document-compiler.ts";
import type { StoredPolicy } from "./stored-policy.ts";

/** A snapshot with what has ended since the known one of the same document, or everything that is wrong with the document. */
export type CompiledPolicy =
  | { readonly snapshot: Snapshot; readonly ended: EndedBindings; readonly faults?: never }
  | { readonly snapshot?: never; readonly faults: readonly Fault[] };

/** What compiling needs to know beside the policy itself. */
export interface Compiling {
  /** When the version was stored, or is about to be. */
  readonly storedAt: string;
  /** Whether the document must answer its own test cases: before it is put in force, and not again afterwards. */
  readonly asksCases: boolean;
  /** Another snapshot of the tenant: where its text is the same, nothing of the document is read or compiled again. */
  readonly known: Snapshot | undefined;
}

/** What a snapshot is compiled from. */
type CompiledContent = Pick<StoredPolicy, "document" | "bindings"> &
  Partial<Pick<StoredPolicy, "lifecycle" | "limits">>;

/**
 * Compiles what a tenant's policy says into the snapshot of a version.
 * @throws {AppError} as the compiler does.
 */
export async function compilePolicy(
  compiler: Pick<DocumentCompiler, "compile">,
  tenant: string,
  version: Version,
  { document: { text }, bindings, lifecycle, limits = {} }: CompiledContent,
  { storedAt, asksCases, known }: Compiling,
): Promise<CompiledPolicy> {
  const standing = lifecycle && { standing: { state: lifecycle.state, limits } };
  const at = Date.parse(storedAt);
  if (known?.read?.text === text) {
    const { snapshot, ended } = await runInTurns(rebindSnapshot(known, version, bindings, at));
    return { snapshot: { ...snapshot, ...standing }, ended };
  }
  const { faults, ...compiledText } = await compiler.compile(tenant, text, asksCases ? "change" : "stored");
  if (faults !== undefined || !("compiled" in compiledText)) return { faults: faults ?? [] };
  const { compiled, read, failed } = compiledText;
  if (asksCases && failed.length > 0) return { faults: failed };
  const snapshot = await runInTurns(openSnapshot(version, compiled, bindings, at));
  return { snapshot: { ...snapshot, read, ...standing }, ended: NONE_ENDED };
}

/**
 * All faults of a document, failed test cases included.
 * @throws {AppError} as the compiler does.
 */
export async function documentFaults(
  compiler: Pick<DocumentCompiler, "compile">,
  text: string,
  tenant: string,
): Promise<readonly Fault[]> {
  const compiled = await compiler.compile(tenant, text, "change");
  return compiled.faults ?? compiled.failed;
}
