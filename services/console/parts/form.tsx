import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { type ApiError, toApiError } from "../http/api-error.ts";
import { Button, type ButtonKind } from "./button.tsx";
import { ErrorNote } from "./error-note.tsx";

interface FormProps {
  readonly children: ComponentChildren;
  /** The words of its button. */
  readonly action: string;
  readonly kind?: ButtonKind;
  readonly label?: string;
  readonly isDisabled?: boolean;
  /** Its button stands behind the fields, where there is room. */
  readonly isLine?: boolean;
  /** Does it. What it throws is shown beside the button, and what was typed stays. */
  readonly onSubmit: () => Promise<void>;
  /** Stands beside the button. */
  readonly beside?: ComponentChildren;
}

/** Fields and a button that is pending until what it began is acknowledged. */
export function Form({ children, action, kind = "primary", label, isDisabled, isLine, onSubmit, beside }: FormProps) {
  const [state, setState] = useState<"idle" | "pending" | ApiError>("idle");
  const submit = async (): Promise<void> => {
    setState("pending");
    try {
      await onSubmit();
      setState("idle");
    } catch (thrown) {
      setState(toApiError(thrown));
    }
  };
  return (
    <form
      class={isLine === true ? "form line" : "form"}
      aria-label={label}
      onSubmit={(event) => {
        event.preventDefault();
        if (state !== "pending") void submit();
      }}
    >
      {children}
      {typeof state === "string" ? null : <ErrorNote error={state} />}
      <div class="actions">
        <Button submits kind={kind} isPending={state === "pending"} isDisabled={isDisabled === true}>
          {action}
        </Button>
        {beside}
      </div>
    </form>
  );
}
