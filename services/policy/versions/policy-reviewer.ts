import { AppError } from "#shared/errors/app-error.ts";
import { JobEndedError } from "#shared/work/worker-pool.ts";
import type { DocumentJobs } from "./document-compiler.ts";
import type { Review, ReviewJob, Visibility, VisibilityJob } from "./review-job.ts";

/** Looks at policies away from the thread that decides. */
export interface PolicyReviewer {
  /**
   * What a text would be as the next document.
   * @throws {AppError} `limit_exceeded` where it takes too long to say; `unavailable` where too many wait.
   */
  review(job: Omit<ReviewJob, "kind">): Promise<Review>;
  /** Who sees what. @throws {AppError} as `review`. */
  visibility(job: Omit<VisibilityJob, "kind">): Promise<Visibility>;
}

/** A review reads two documents, asks one its cases and compares them: so many times as long as a change may take. */
const DEADLINE_FACTOR = 5;

/** Makes the reviewer of a process, with the threads that read documents. */
export function createPolicyReviewer(
  jobs: DocumentJobs,
  { deadlineMs }: { readonly deadlineMs: number },
): PolicyReviewer {
  const limits = { deadlineMs: deadlineMs * DEADLINE_FACTOR, mayBeRefused: true };
  const run = async (job: ReviewJob | VisibilityJob) => {
    try {
      return await jobs.run(job.tenant, job, limits);
    } catch (error) {
      if (!(error instanceof JobEndedError)) throw error;
      throw new AppError("limit_exceeded", `the policy is too large to be looked at here: ${error.message}`);
    }
  };
  return {
    async review(job) {
      const answer = await run({ kind: "review", ...job });
      if (!("moreEffects" in answer)) throw new Error("a thread answered something else than it was asked");
      return answer;
    },
    async visibility(job) {
      const answer = await run({ kind: "visibility", ...job });
      if (!("people" in answer)) throw new Error("a thread answered something else than it was asked");
      return answer;
    },
  };
}
