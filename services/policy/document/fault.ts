import { AppError } from "#shared/errors/app-error.ts";

/** One thing that is wrong with a document. */
export interface Fault {
  /** Where in the text, from 1; absent where there is no place to name. */
  readonly line?: number;
  readonly column?: number;
  /** Which value, such as `roles.viewer.allow.0`; empty for the document as a whole. */
  readonly path: string;
  readonly message: string;
}

/** Something in a sound document that its author can hardly mean. */
export interface DocumentWarning {
  readonly path: readonly PropertyKey[];
  /** Where it is a key under `path` that the warning is about. */
  readonly key?: string;
  readonly message: string;
}

/** What is said of a document in force that this release cannot read: an earlier one took it. */
export const BROKEN_DOCUMENT =
  "the policy document in force cannot be used by this release: put a good one in its place, over HTTP or by its file";

/** A fault as one line for people. */
export function faultText({ line, column, path, message }: Fault): string {
  const place = line === undefined ? [] : [`line ${line}, column ${column}`];
  return [...place, ...(path === "" ? [] : [path]), message].join(": ");
}

/** A refused document as an error for its author, with every fault in it. */
export function documentInvalid(faults: readonly Fault[]): AppError {
  const many = faults.length === 1 ? "a fault" : `${faults.length} faults`;
  return new AppError("document_invalid", `the policy document has ${many}:\n${faults.map(faultText).join("\n")}`);
}
