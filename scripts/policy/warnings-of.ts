import type { Fault } from "../../services/policy/document/fault.ts";
import { lintDocument } from "../../services/policy/document/lint-document.ts";
import { type DocumentFile, tenantOfFile } from "./read-document-file.ts";

/** What a file's author can hardly mean; of a document with errors nothing can be said. */
export function warningsOf({ path, parsed }: DocumentFile): Fault[] {
  if (parsed.document === undefined) return [];
  const { document, faultAt } = parsed;
  const warnings = lintDocument(document, Date.now()).map(({ path: place, message, key }) =>
    faultAt(place, message, key),
  );
  const named = tenantOfFile(path);
  if (named === document.tenant) return warnings;
  return [
    faultAt(["tenant"], `in a watched directory this file is taken for tenant "${named}", and refused`),
    ...warnings,
  ];
}
