import { useState } from "preact/hooks";
import { type ApiError, toApiError } from "../http/api-error.ts";
import { ErrorNote } from "./error-note.tsx";

interface SwitchProps {
  readonly label: string;
  /** What is in force, as policy said last. */
  readonly isOn: boolean;
  /** Asks for the other; settles when it is in force. */
  readonly onChange: (isOn: boolean) => Promise<void>;
  readonly isDisabled?: boolean;
}

/** A switch that stands where policy says it stands: while a change is not acknowledged it says "pending". */
export function Switch({ label, isOn, onChange, isDisabled = false }: SwitchProps) {
  const [state, setState] = useState<"idle" | "pending" | ApiError>("idle");
  const change = async (): Promise<void> => {
    setState("pending");
    try {
      await onChange(!isOn);
      setState("idle");
    } catch (thrown) {
      setState(toApiError(thrown));
    }
  };
  const isPending = state === "pending";
  return (
    <div class="switch-line">
      <button
        type="button"
        class="switch"
        role="switch"
        aria-checked={isOn}
        aria-busy={isPending || undefined}
        disabled={isDisabled || isPending}
        onClick={() => void change()}
      >
        <span class="switch-track" aria-hidden="true" />
        {label}
      </button>
      <span class="switch-state" role="status">
        {isPending ? "pending" : isOn ? "on" : "off"}
      </span>
      {typeof state === "string" ? null : <ErrorNote error={state} />}
    </div>
  );
}
