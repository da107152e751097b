import { useEffect, useState } from "preact/hooks";
import { useConsole } from "../../context/console-context.ts";
import { tenantPath } from "../../http/api-client.ts";
import { type ApiError, toApiError } from "../../http/api-error.ts";
import type { Review } from "./policy.ts";

/** What is known of the text now: a review of an older one is not shown as one of it. */
export type ReviewState =
  | { readonly state: "reading"; readonly before: Review | undefined }
  | { readonly state: "failed"; readonly error: ApiError }
  | { readonly state: "reviewed"; readonly review: Review };

/** So long nothing is typed before policy is asked. */
const QUIET_MS = 500;

/** Has policy review the text whenever the typing rests. It asks by `POST`, and nothing is changed. */
export function useReview(tenant: string, text: string, version: number): ReviewState {
  const { api } = useConsole();
  const [known, setKnown] = useState<ReviewState>({ state: "reading", before: undefined });
  useEffect(() => {
    const stop = new AbortController();
    const ask = async (): Promise<void> => {
      try {
        const path = tenantPath(tenant, "policy", "review");
        const review = await api.send<Review>(path, { method: "POST", body: text }, stop.signal);
        if (!stop.signal.aborted) setKnown({ state: "reviewed", review });
      } catch (thrown) {
        if (!stop.signal.aborted) setKnown({ state: "failed", error: toApiError(thrown) });
      }
    };
    setKnown((last) => ({ state: "reading", before: last.state === "reviewed" ? last.review : undefined }));
    const timer = setTimeout(() => void ask(), QUIET_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [tenant, text, version]);
  return known;
}
