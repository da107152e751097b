import { useState } from "preact/hooks";
import { useConsole } from "../../context/console-context.ts";
import { tenantPath } from "../../http/api-client.ts";
import { Button } from "../../parts/button.tsx";
import { ConfirmDialog } from "../../parts/dialog.tsx";
import { Field } from "../../parts/field.tsx";

/** Erases events whose topics match a pattern. */
export function EraseEvents({ tenant, onErased }: { readonly tenant: string; readonly onErased: () => void }) {
  const { api, announce } = useConsole();
  const [isAsking, setAsking] = useState(false);
  const [subject, setSubject] = useState("");
  const [reason, setReason] = useState("");
  const erase = async (): Promise<void> => {
    const body = { subject: subject.trim(), reason: reason.trim() };
    const answer = await api.send<{ readonly erased: number }>(tenantPath(tenant, "erase"), { method: "POST", body });
    announce(`${answer.erased.toLocaleString()} events are erased.`);
    onErased();
  };
  return (
    <p class="actions">
      <Button kind="danger" onClick={() => setAsking(true)}>
        Erase events
      </Button>
      <span class="hint">By a topic pattern; no edge serves them any more.</span>
      {isAsking ? (
        <ConfirmDialog
          title={`Erase events of ${tenant}?`}
          action="Erase them"
          kind="danger"
          word={tenant}
          onConfirm={erase}
          onClose={() => setAsking(false)}
        >
          <p>What the log has under these topics goes for good, and clients are told that something is missing.</p>
          <Field
            label="Topic pattern"
            value={subject}
            onInput={setSubject}
            isRequired
            isMono
            placeholder="order.*.42"
          />
          <Field label="Reason, for the audit trail" value={reason} onInput={setReason} isRequired />
        </ConfirmDialog>
      ) : null}
    </p>
  );
}
