import { useState } from "preact/hooks";
import { useConsole } from "../../context/console-context.ts";
import { Button } from "../../parts/button.tsx";
import { ConfirmDialog } from "../../parts/dialog.tsx";
import { Effects } from "../../parts/effects.tsx";
import type { Suggestion } from "./explanation.ts";

interface MendProps {
  readonly suggestion: Suggestion;
  readonly onMended: () => void;
}

/** The one change that would mend it; who gains by it is shown before it is made. */
export function Mend({ suggestion, onMended }: MendProps) {
  const { api, announce } = useConsole();
  const [isAsking, setAsking] = useState(false);
  const { text, call, effects, more } = suggestion;
  if (call === null) return <p class="mend-text">{text}</p>;
  const mend = async (): Promise<void> => {
    const { path, method, body, ifMatch } = call;
    await api.send(path, { method, body, ifMatch });
    announce(`Done: ${text}`);
    onMended();
  };
  return (
    <div class="mend">
      <Button kind="primary" onClick={() => setAsking(true)}>
        {text.replace(/\.$/, "")}
      </Button>
      <span class="quiet">You see first who gains by it.</span>
      {isAsking ? (
        <ConfirmDialog
          title="Who gains by it"
          action="Make the change"
          onConfirm={mend}
          onClose={() => setAsking(false)}
        >
          <p>{text}</p>
          <Effects effects={effects} more={more} />
          <p class="quiet">
            It is in force for every event from then on. What was published before is seen on a replay.
          </p>
        </ConfirmDialog>
      ) : null}
    </div>
  );
}
