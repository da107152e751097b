import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { decodeUtf8 } from "#shared/json/decode-utf8.ts";
import { documentInvalid, type Fault } from "../../services/policy/document/fault.ts";
import { type ParsedDocument, parseDocument } from "../../services/policy/document/parse-document.ts";
import { compileSnapshot, type WholeSnapshot } from "../../services/policy/decide/snapshot.ts";
import type { HttpBindings } from "../../services/policy/decide/subject-roles.ts";
import type { Terminal } from "../shared/command.ts";
import { ScriptError } from "../shared/run-script.ts";

/** Nothing on disk has a version. */
const NO_VERSION = { number: 0, build: "" };

/** A policy document on disk. */
export interface DocumentFile {
  readonly path: string;
  readonly text: string;
  readonly parsed: ParsedDocument;
}

/**
 * Reads a document file. Without a `tenant` it may be anybody's.
 * @throws {ScriptError} when it cannot be read, or is not UTF-8.
 */
export async function readDocumentFile(path: string, tenant: string | undefined): Promise<DocumentFile> {
  const bytes = await readFile(path).catch((error: Error) => {
    throw new ScriptError(`${path} cannot be read: ${error.message}`);
  });
  const text = decodeUtf8(bytes);
  if (text === undefined) throw new ScriptError(`${path} is not UTF-8`);
  return { path, text, parsed: parseDocument(text, tenant) };
}

/**
 * The policy of a file that must have no faults, with these roles set over HTTP, as of now.
 * @throws {ScriptError} with all faults.
 */
export function compileFile({ path, parsed }: DocumentFile, bindings: HttpBindings = new Map()): WholeSnapshot {
  if (parsed.document !== undefined) return compileSnapshot(NO_VERSION, parsed.document, bindings, Date.now());
  throw new ScriptError(`${path}: ${documentInvalid(parsed.faults).message}`);
}

/** Prints a fault or a warning as compilers do, so that editors and CI find the place. */
export function printFault(path: string, kind: "error" | "warning", fault: Fault, print: Terminal["print"]): void {
  const { line = 1, column = 1, path: value, message } = fault;
  const text = `${path}:${line}:${column}: ${kind}: ${value === "" ? message : `${value}: ${message}`}`;
  print({ file: path, line, column, kind, path: value, message }, text);
}

/** The tenant that a watched directory takes a file for. */
export function tenantOfFile(path: string): string {
  return basename(path).replace(/\.ya?ml$|\.json$/, "");
}
