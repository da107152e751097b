import { LRUCache } from "lru-cache";
import type { CompiledDocument } from "../decide/compile-document.ts";
import type { ReadDocument } from "../decide/snapshot.ts";
import { documentInvalid, type Fault } from "../document/fault.ts";
import { type JobLimits, JobEndedError } from "#shared/work/worker-pool.ts";
import { runInTurns } from "../work/turns.ts";
import { decodeParts } from "./compiled-parts.ts";
import type { CompareAnswer, CompareJob, DocumentAnswer, DocumentJob } from "./compile-job.ts";

/** Has the jobs of tenants done elsewhere. */
export interface DocumentJobs {
  /** @throws {JobEndedError} past the limits; `AppError` `unavailable` where too many wait. */
  run(owner: string, job: DocumentJob, limits: JobLimits): Promise<DocumentAnswer>;
}

/** A document that was read and compiled, or everything that is wrong with its text. */
export type CompiledText =
  | { readonly faults: readonly Fault[] }
  | {
      readonly faults?: never;
      readonly compiled: CompiledDocument;
      readonly read: ReadDocument;
      /** The test cases that the document does not answer as they expect. */
      readonly failed: readonly Fault[];
    };

/** Whose text it is: somebody's who wants it in force, or one that was in force when it was stored. */
export type CompilePurpose = "change" | "stored";

/** Compiles and compares documents away from the thread that decides. */
export interface DocumentCompiler {
  /**
   * Reads and compiles a tenant's text. What was compiled last for the tenant is not compiled again.
   * @throws {AppError} `document_invalid` for a change that takes longer than it may; `unavailable` where too many wait.
   * @throws {JobEndedError} for what was in force, and takes longer than that may.
   */
  compile(tenant: string, text: string, purpose: CompilePurpose): Promise<CompiledText>;
  /** What two versions of a tenant differ in; undefined where that cannot be said in time. */
  compare(tenant: string, versions: Omit<CompareJob, "kind">): Promise<CompareAnswer | undefined>;
}

/** What became of a text: `ended` in the middle, past its deadline. */
export type CompileOutcome = "compiled" | "refused" | "ended";

/** The setting of a compiler. */
export interface CompilerSetting {
  /** How long reading and compiling a changed document may take, in milliseconds. */
  readonly deadlineMs: number;
  /** Called for each text that is read and compiled. */
  readonly onCompiled?: (outcome: CompileOutcome) => void;
}

/** A document that was in force must come back into force on a machine that is busy: its tenant stands still without it. */
const STORED_DEADLINE_FACTOR = 15;

/** The texts, in characters, that the compiled documents kept for another try were read from. */
const MAX_KEPT_CHARACTERS = 4 * 1024 * 1024;

interface KeptText {
  readonly text: string;
  readonly compiled: Promise<CompiledText>;
}

/** Makes the compiler of a process. */
export function createDocumentCompiler(
  jobs: DocumentJobs,
  { deadlineMs, onCompiled = () => undefined }: CompilerSetting,
): DocumentCompiler {
  // A change is tried again where another one was stored first, and a file is looked at before its tenant is made.
  const kept = new LRUCache<string, KeptText>({
    maxSize: MAX_KEPT_CHARACTERS,
    sizeCalculation: ({ text }) => text.length + 1,
  });
  const limitsFor = (purpose: CompilePurpose): JobLimits =>
    purpose === "change"
      ? { deadlineMs, mayBeRefused: true }
      : { deadlineMs: deadlineMs * STORED_DEADLINE_FACTOR, mayBeRefused: false };
  const compile = async (tenant: string, text: string, purpose: CompilePurpose): Promise<CompiledText> => {
    try {
      const answer = await jobs.run(tenant, { kind: "compile", tenant, text }, limitsFor(purpose));
      const compiled = await compiledOf(text, answer);
      onCompiled(compiled.faults === undefined ? "compiled" : "refused");
      return compiled;
    } catch (error) {
      if (!(error instanceof JobEndedError)) throw error;
      onCompiled("ended");
      if (purpose === "stored") throw error;
      throw documentInvalid([{ path: "", message: endedText(error) }]);
    }
  };
  return {
    compile(tenant, text, purpose) {
      const known = kept.get(tenant);
      if (known?.text === text) return known.compiled;
      const compiled = compile(tenant, text, purpose);
      kept.set(tenant, { text, compiled });
      compiled.catch(() => {
        if (kept.peek(tenant)?.compiled === compiled) kept.delete(tenant);
      });
      return compiled;
    },
    async compare(tenant, versions) {
      const limits = { deadlineMs: deadlineMs * STORED_DEADLINE_FACTOR, mayBeRefused: true };
      const answer = await jobs.run(tenant, { kind: "compare", ...versions }, limits).catch(() => undefined);
      return answer !== undefined && "diff" in answer && !("moreEffects" in answer) ? answer : undefined;
    },
  };
}

async function compiledOf(text: string, answer: DocumentAnswer): Promise<CompiledText> {
  if ("faults" in answer && answer.faults !== undefined) return { faults: answer.faults };
  if (!("parts" in answer)) throw new Error("a thread answered something else than it was asked");
  const compiled = await runInTurns(decodeParts(answer.parts));
  return { compiled, read: { text, shared: answer.shared }, failed: answer.failed };
}

function endedText({ message }: JobEndedError): string {
  return `the document was given up, because ${message} to read and to test: give it fewer rules, attributes or test cases, or set roles over HTTP`;
}
