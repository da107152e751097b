import { useState } from "preact/hooks";
import { useConsole, useTenant } from "../../context/console-context.ts";
import { tenantPath } from "../../http/api-client.ts";
import { useQuery } from "../../http/use-query.ts";
import { Button } from "../../parts/button.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { Moment } from "../../parts/moment.tsx";
import { Page, Section } from "../../parts/page.tsx";
import { ApplyDialog } from "./apply-dialog.tsx";
import { type EditedDraft, useDraft } from "./draft.ts";
import { Editor } from "./editor.tsx";
import { History } from "./history.tsx";
import type { Policy } from "./policy.ts";
import { ReviewPanel } from "./review-panel.tsx";
import { useReview } from "./use-review.ts";
import "./policy.css";

const REFRESH_MS = 10_000;

/** The policy document: read, edited, tried out and applied; its history, and the way back. */
export function PolicyScreen() {
  const { api } = useConsole();
  const tenant = useTenant() ?? "";
  const policy = useQuery(`policy ${tenant}`, (signal) => api.get<Policy>(tenantPath(tenant, "policy"), { signal }), {
    everyMs: REFRESH_MS,
  });
  return (
    <Page
      title="Policy"
      lead="Who may see what. A text is read and tried out while you write; nothing is in force before you apply it."
    >
      <Loaded query={policy} what="the policy">
        {(value) => <Editing tenant={tenant} policy={value} onChanged={policy.reload} />}
      </Loaded>
    </Page>
  );
}

interface EditingProps {
  readonly tenant: string;
  readonly policy: Policy;
  readonly onChanged: () => void;
}

function Editing({ tenant, policy, onChanged }: EditingProps) {
  const draft = useDraft(tenant, policy);
  const state = useReview(tenant, draft.text, policy.version);
  const [place, setPlace] = useState<{ line: number; column: number }>();
  const [isApplying, setApplying] = useState(false);
  const review = state.state === "reviewed" ? state.review : undefined;
  const isOfFile = policy.origin.kind === "file" && policy.origin.missing !== true;
  const isSound = review !== undefined && review.faults.length + review.failed.length === 0;
  return (
    <>
      <Notices policy={policy} draft={draft} />
      <div class="policy-bar">
        <p class="quiet">
          Version <strong>{policy.version}</strong>, <Moment at={policy.at} />, {policy.by.replace(/^subject:/, "")}:{" "}
          {policy.why}
        </p>
        <div class="actions">
          <Button isDisabled={!draft.isEdited} onClick={() => draft.beginAgain(policy)}>
            Discard the edits
          </Button>
          <Button
            kind="primary"
            isDisabled={!draft.isEdited || !isSound || isOfFile || draft.version !== policy.version}
            onClick={() => setApplying(true)}
          >
            Apply
          </Button>
        </div>
      </div>
      <div class="policy-work">
        <Editor text={draft.text} revision={draft.revision} onEdit={draft.edit} review={review} place={place} />
        <ReviewPanel
          state={state}
          isEdited={draft.isEdited}
          onShow={({ line = 1, column = 1 }) => setPlace({ line, column })}
        />
      </div>
      <Section title="History">
        <History current={policy} onTake={draft.replace} onChanged={onChanged} />
      </Section>
      {isApplying && review !== undefined ? (
        <ApplyDialog
          draft={draft}
          review={review}
          onApplied={(version) => {
            draft.beginAgain({ document: draft.text, version });
            onChanged();
          }}
          onClose={() => setApplying(false)}
        />
      ) : null}
    </>
  );
}

/** What has to be known before anything is edited or applied. */
function Notices({ policy, draft }: { readonly policy: Policy; readonly draft: EditedDraft }) {
  const { origin, rejected } = policy;
  return (
    <>
      {origin.kind === "file" && origin.missing !== true ? (
        <p class="note quiet">
          <span>
            This document comes from the file <code>{origin.name}</code>. Change that file: policy looks at it three
            times a second. Here you can try out a text before you write it there.
          </span>
        </p>
      ) : null}
      {rejected === undefined ? null : (
        <p class="note warn" role="status">
          <strong>The file is another by now, and is not in force:</strong>
          <code class="rejected">
            {typeof rejected === "string" ? rejected : JSON.stringify(rejected, undefined, 2)}
          </code>
        </p>
      )}
      {draft.isFound ? <p class="note quiet">Your edits from before are here again.</p> : null}
      {draft.isEdited && draft.version !== policy.version ? (
        <div class="note warn" role="status">
          <p>
            Your edits began with version {draft.version}, and version {policy.version} is in force by now:{" "}
            <q>{policy.why}</q>, by {policy.by}. What you see as different is against that version.
          </p>
          <Button onClick={() => draft.beginAgain(policy, draft.text)}>Go on from version {policy.version}</Button>
        </div>
      ) : null}
    </>
  );
}
