import type { ApiError } from "../http/api-error.ts";
import { Button } from "./button.tsx";

/** What can be done about an error, where the message does not say it. */
const ADVICE: Readonly<Record<string, string>> = {
  offline: "Is it running, and is this machine online?",
  timeout: "It may have been done all the same: look before you try again.",
  unavailable: "If a server that policy needs is away, Health says which.",
  forbidden: "This login may not do it. An operator may.",
  tenant_unknown: "Was it deleted, or is its name spelled otherwise?",
  version_conflict: "Somebody has changed it meanwhile: look at what is in force now, and do it again.",
  logged_out: "",
};

/** Says what went wrong, what to do, and the request's id for whoever reads the log. */
export function ErrorNote({ error, onRetry }: { readonly error: ApiError; readonly onRetry?: () => void }) {
  const advice = ADVICE[error.code];
  return (
    <div class="note bad" role="alert">
      <p>
        <strong>{sentence(error.message)}</strong> {advice}
        {error.retryAfter === undefined ? "" : ` Try again in ${error.retryAfter} s.`}
      </p>
      <p class="quiet">
        <code>{error.code}</code>
        {error.requestId === undefined ? "" : " · request "}
        {error.requestId === undefined ? "" : <code>{error.requestId}</code>}
      </p>
      {onRetry === undefined ? null : <Button onClick={onRetry}>Try again</Button>}
    </div>
  );
}

/** The message as a sentence: a capital letter first, a full stop last. */
function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
