import { useState } from "preact/hooks";
import { useConsole, useTenant } from "../../context/console-context.ts";
import { tenantPath } from "../../http/api-client.ts";
import { ConfirmDialog } from "../../parts/dialog.tsx";
import { Effects } from "../../parts/effects.tsx";
import { Field } from "../../parts/field.tsx";
import type { EditedDraft } from "./draft.ts";
import type { Review } from "./policy.ts";

interface ApplyDialogProps {
  readonly draft: EditedDraft;
  readonly review: Review;
  readonly onApplied: (version: number) => void;
  readonly onClose: () => void;
}

/** Shows once more who gains and loses, asks why, and puts the text in force where no other version is meanwhile. */
export function ApplyDialog({ draft, review, onApplied, onClose }: ApplyDialogProps) {
  const { api, announce } = useConsole();
  const tenant = useTenant() ?? "";
  const [reason, setReason] = useState("");
  const apply = async (): Promise<void> => {
    const query = reason.trim() === "" ? "" : `?${new URLSearchParams({ reason: reason.trim() }).toString()}`;
    const sending = { method: "PUT", body: draft.text, ifMatch: draft.version } as const;
    const { version } = await api.send<{ version: number }>(`${tenantPath(tenant, "policy")}${query}`, sending);
    announce(`Version ${version} is in force.`);
    onApplied(version);
  };
  return (
    <ConfirmDialog title={`Apply to ${tenant}`} action="Apply" onConfirm={apply} onClose={onClose}>
      <Effects effects={review.effects} more={review.moreEffects} />
      <Field
        label="Reason"
        value={reason}
        onInput={setReason}
        hint="It stands in the history and in the audit trail."
        isRequired
      />
    </ConfirmDialog>
  );
}
