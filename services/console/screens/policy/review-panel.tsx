import { Badge } from "../../parts/badge.tsx";
import { Effects } from "../../parts/effects.tsx";
import { ErrorNote } from "../../parts/error-note.tsx";
import { Differences } from "./differences.tsx";
import type { Fault, Review } from "./policy.ts";
import type { ReviewState } from "./use-review.ts";

interface ReviewPanelProps {
  readonly state: ReviewState;
  readonly isEdited: boolean;
  readonly onShow: (fault: Fault) => void;
}

/** What policy says of the text: faults, warnings, test cases, what it changes, and for whom. */
export function ReviewPanel({ state, isEdited, onShow }: ReviewPanelProps) {
  if (state.state === "failed") return <ErrorNote error={state.error} />;
  const review = state.state === "reviewed" ? state.review : state.before;
  return (
    <aside class="review" aria-label="What policy says of the text">
      <p class="review-head" role="status">
        {review === undefined ? <span class="quiet">Being read …</span> : <Summary review={review} />}
        {state.state === "reading" && review !== undefined ? <span class="quiet">reading the change …</span> : null}
      </p>
      {review === undefined ? null : (
        <>
          <Faults title="Faults" faults={review.faults} onShow={onShow} />
          <Faults title="Test cases that fail" faults={review.failed} onShow={onShow} />
          <Faults title="Warnings" faults={review.warnings} onShow={onShow} />
          {review.faults.length > 0 || !isEdited ? null : (
            <>
              <h2>Who gains and loses</h2>
              <Effects effects={review.effects} more={review.moreEffects} />
              {review.unseen === 0 ? null : (
                <p class="hint">{review.unseen.toLocaleString()} people with roles set over HTTP were not looked at.</p>
              )}
              <h2>What is different</h2>
              <Differences diff={review.diff} />
            </>
          )}
        </>
      )}
    </aside>
  );
}

function Summary({ review: { faults, failed, cases, warnings } }: { readonly review: Review }) {
  const isSound = faults.length + failed.length === 0;
  const passed = cases - failed.length;
  return (
    <>
      <Badge tone={isSound ? "good" : "bad"}>{isSound ? "sound" : "would be refused"}</Badge>
      {faults.length > 0 ? null : (
        <span>
          {cases === 0 ? "no test cases" : `${passed} of ${cases} test cases pass`}
          {warnings.length === 0 ? "" : `, ${warnings.length} warnings`}
        </span>
      )}
    </>
  );
}

interface FaultsProps {
  readonly title: string;
  readonly faults: readonly Fault[];
  readonly onShow: (fault: Fault) => void;
}

const MAX_SHOWN = 20;

function Faults({ title, faults, onShow }: FaultsProps) {
  if (faults.length === 0) return null;
  return (
    <>
      <h2>{title}</h2>
      <ul class="faults">
        {faults.slice(0, MAX_SHOWN).map((fault) => (
          <li key={`${fault.line} ${fault.column} ${fault.path} ${fault.message}`}>
            <button type="button" class="button quiet" onClick={() => onShow(fault)}>
              {fault.line === undefined ? "the document" : `line ${fault.line}`}
            </button>{" "}
            {fault.path === "" ? null : <code>{fault.path}</code>} {fault.message}
          </li>
        ))}
        {faults.length > MAX_SHOWN ? <li class="quiet">and {faults.length - MAX_SHOWN} more</li> : null}
      </ul>
    </>
  );
}
