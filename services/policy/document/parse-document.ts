import type { z } from "zod";
import { crossReferenceFaults } from "./cross-references.ts";
import { documentSchema } from "./document-schema.ts";
import type { Fault } from "./fault.ts";
import type { PolicyDocument } from "./policy-document.ts";
import { readYaml, type YamlText } from "./read-yaml.ts";
import { overBudget } from "./text-budget.ts";

/** The longest text of a policy document, in bytes. */
export const MAX_DOCUMENT_BYTES = 1024 * 1024;

/** More faults than this help nobody. */
const MAX_FAULTS = 100;

/** A document, or everything that is wrong with its text. */
export type ParsedDocument =
  | { readonly document: PolicyDocument; readonly faultAt: YamlText["faultAt"]; readonly faults?: never }
  | { readonly document?: never; readonly faults: readonly Fault[] };

/**
 * Reads the text of a policy document, YAML or JSON, and finds all its faults at once, each with its place. It must be the
 * document of `tenant`; undefined takes anybody's.
 */
export function parseDocument(text: string, tenant: string | undefined): ParsedDocument {
  if (Buffer.byteLength(text) > MAX_DOCUMENT_BYTES) {
    const message = `the document may have ${MAX_DOCUMENT_BYTES} bytes; roles set over HTTP take none of them`;
    return { faults: [{ path: "", message }] };
  }
  const tooMuch = overBudget(text);
  if (tooMuch !== undefined) return { faults: [tooMuch] };
  const yaml = readYaml(text);
  if (yaml.faults.length > 0) return { faults: firstOf(yaml.faults) };
  const parsed = documentSchema.safeParse(yaml.value, { reportInput: true });
  const faults = [
    ...firstOf(parsed.error?.issues ?? []).flatMap((issue) => shapeFaults(yaml, issue)),
    ...firstOf(crossReferenceFaults(yaml.value, tenant)).map(({ path, message }) => yaml.faultAt(path, message)),
  ];
  if (parsed.success && faults.length === 0) return { document: parsed.data, faultAt: yaml.faultAt };
  return { faults: firstOf(faults.toSorted(byPlace)) };
}

function shapeFaults(yaml: YamlText, issue: z.core.$ZodIssue): Fault[] {
  if (issue.code === "invalid_union") {
    // What is wrong with the form that the value has; where it has none of the forms, the union says which there are.
    const form = issue.errors.find((faults) => !faults.some(isOtherForm)) ?? [];
    const inner = form.flatMap((fault) => shapeFaults(yaml, { ...fault, path: [...issue.path, ...fault.path] }));
    return inner.length > 0 ? inner : [yaml.faultAt(issue.path, issue.message)];
  }
  if (issue.code === "unrecognized_keys") {
    return firstOf(issue.keys).map((key) => yaml.faultAt(issue.path, "this key is not known", key));
  }
  if (issue.code === "invalid_key") {
    const message = `this key ${issue.issues[0]?.message ?? "is not allowed"}`;
    return [yaml.faultAt(issue.path.slice(0, -1), message, String(issue.path.at(-1)))];
  }
  return [yaml.faultAt(issue.path, typeFaultText(issue) ?? issue.message)];
}

/** What to do about a value that YAML reads as something else than a text, such as a name `42`. */
function typeFaultText({ code, input, ...issue }: z.core.$ZodIssue): string | undefined {
  if (code !== "invalid_type" || !("expected" in issue) || issue.expected !== "string") return undefined;
  if (typeof input !== "number" && typeof input !== "boolean") return undefined;
  return `expected string, and ${input} is a ${typeof input}: put it in quotes, "${input}"`;
}

function isOtherForm({ code, path }: z.core.$ZodIssue): boolean {
  return code === "invalid_type" && path.length === 0;
}

/** Cut before places are looked up too: each look-up walks a mapping, and a hostile text may hold 100 000 faults. */
function firstOf<T>(faults: readonly T[]): T[] {
  return faults.slice(0, MAX_FAULTS);
}

function byPlace(a: Fault, b: Fault): number {
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}
