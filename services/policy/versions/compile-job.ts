import { deserialize, serialize } from "node:v8";
import { type DocumentEffects, documentEffects } from "../decide/affected.ts";
import { compileDocument } from "../decide/compile-document.ts";
import { boundAt, tableOfBindings } from "../decide/document-bindings.ts";
import { failedCases } from "../decide/failed-cases.ts";
import { diffPolicies, type PolicyDiff, type PolicySource } from "../decide/policy-diff.ts";
import type { Fault } from "../document/fault.ts";
import { parseDocument } from "../document/parse-document.ts";
import type { PolicyDocument } from "../document/policy-document.ts";
import { runNow } from "../work/turns.ts";
import { encodeParts } from "./compiled-parts.ts";
import {
  type Review,
  review,
  type ReviewJob,
  seeVisibility,
  type Visibility,
  type VisibilityJob,
} from "./review-job.ts";

/** Reads, checks and compiles the text of a tenant's document, and asks it its test cases. */
export interface CompileJob {
  readonly kind: "compile";
  readonly tenant: string;
  readonly text: string;
}

/** Says what two versions with different documents differ in, and whom that can affect. */
export interface CompareJob {
  readonly kind: "compare";
  readonly before: ComparedVersion;
  readonly after: ComparedVersion;
}

/** A version, as far as it is compared. */
export interface ComparedVersion {
  readonly shared: Uint8Array;
  readonly storedAt: number;
  /** Those of the roles set over HTTP that differ between the two. */
  readonly httpBindings: ReadonlyMap<string, readonly string[]>;
}

/** A job of a thread. */
export type DocumentJob = CompileJob | CompareJob | ReviewJob | VisibilityJob;

/** A compiled text, or everything that is wrong with it. */
export type CompileAnswer =
  | { readonly faults: readonly Fault[] }
  | {
      readonly faults?: never;
      readonly parts: readonly Uint8Array<ArrayBuffer>[];
      readonly shared: Uint8Array;
      /** The test cases that the document does not answer as they expect. */
      readonly failed: readonly Fault[];
    };

/** What two versions differ in. */
export interface CompareAnswer {
  readonly diff: PolicyDiff;
  readonly effects: DocumentEffects;
}

/** What a thread answers to a job. */
export type DocumentAnswer = CompileAnswer | CompareAnswer | Review | Visibility;

/** Does a job, all at once. */
export function doDocumentJob(job: DocumentJob): DocumentAnswer {
  switch (job.kind) {
    case "compile":
      return compile(job);
    case "compare":
      return compare(job);
    case "review":
      return review(job);
    case "visibility":
      return seeVisibility(job);
  }
}

function compile({ tenant, text }: CompileJob): CompileAnswer {
  const parsed = parseDocument(text, tenant);
  if (parsed.document === undefined) return { faults: parsed.faults };
  const failed = failedCases(parsed);
  return { parts: encodeParts(compileDocument(parsed.document)), shared: share(parsed.document), failed };
}

/** Other threads read it where it is: who compares two documents need not read their texts. */
function share(document: PolicyDocument): Uint8Array {
  const bytes = serialize({ ...document, tests: [] });
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  return shared;
}

function compare({ before, after }: CompareJob): CompareAnswer {
  const [was, is] = [sourceOf(before), sourceOf(after)];
  return { diff: diffPolicies(was, is), effects: documentEffects(was, is) };
}

function sourceOf({ shared, storedAt, httpBindings }: ComparedVersion): PolicySource {
  const document = deserialize(shared) as PolicyDocument;
  const { documentBindings } = runNow(boundAt(tableOfBindings(document), storedAt));
  return { document, documentBindings, httpBindings };
}
