import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Button } from "./button.tsx";
import { Field } from "./field.tsx";
import { Form } from "./form.tsx";

interface DialogProps {
  readonly title: string;
  readonly children: ComponentChildren;
  /** Left out, it can only be closed by what is in it. */
  readonly onClose?: () => void;
  /** A panel at the side, for the details of a row. */
  readonly isPanel?: boolean;
}

/** A modal window of the browser's own kind: it keeps the focus, gives it back, and closes with Escape. */
export function Dialog({ title, children, onClose, isPanel = false }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = element.current;
    if (dialog === null) return undefined;
    const before = document.activeElement;
    dialog.showModal();
    return () => {
      dialog.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      class={isPanel ? "dialog panel" : "dialog"}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
      onClick={(event) => {
        if (event.target === element.current) onClose?.();
      }}
    >
      <div class="dialog-body">
        <header class="dialog-head">
          <h2 id={id}>{title}</h2>
          {onClose === undefined ? null : (
            <Button kind="quiet" onClick={onClose}>
              Close
            </Button>
          )}
        </header>
        {children}
      </div>
    </dialog>
  );
}

interface ConfirmDialogProps {
  readonly title: string;
  readonly children: ComponentChildren;
  readonly action: string;
  readonly kind?: "primary" | "danger";
  /** What has to be typed before it can be done, such as the tenant's name. */
  readonly word?: string;
  /** Does it; the dialog stays with the failure where it throws, and closes otherwise. */
  readonly onConfirm: () => Promise<void>;
  readonly onClose: () => void;
}

/** Asks before something is done that cannot be undone, or that cuts people off. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const { title, children, action, kind = "primary", word, onConfirm, onClose } = props;
  const [typed, setTyped] = useState("");
  return (
    <Dialog title={title} onClose={onClose}>
      <Form
        action={action}
        kind={kind}
        isDisabled={word !== undefined && typed !== word}
        beside={<Button onClick={onClose}>Cancel</Button>}
        onSubmit={async () => {
          await onConfirm();
          onClose();
        }}
      >
        {children}
        {word === undefined ? null : (
          <Field label={`Type ${word} to confirm`} value={typed} onInput={setTyped} isMono />
        )}
      </Form>
    </Dialog>
  );
}
