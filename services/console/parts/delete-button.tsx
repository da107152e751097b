import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useConsole } from "../context/console-context.ts";
import { Button } from "./button.tsx";
import { ConfirmDialog } from "./dialog.tsx";

interface DeleteButtonProps {
  /** What is deleted, as it has to be typed. */
  readonly name: string;
  /** The address that takes the DELETE. */
  readonly path: string;
  /** What is said once it is. */
  readonly done: string;
  /** What goes with it. */
  readonly children: ComponentChildren;
  readonly onDeleted: () => void;
}

/** Deletes something for good, once its name was typed. */
export function DeleteButton({ name, path, done, children, onDeleted }: DeleteButtonProps) {
  const { api, announce } = useConsole();
  const [isAsking, setAsking] = useState(false);
  const remove = async (): Promise<void> => {
    await api.send(path, { method: "DELETE" });
    announce(done);
    onDeleted();
  };
  return (
    <p class="actions">
      <Button kind="danger" onClick={() => setAsking(true)}>
        Delete {name}
      </Button>
      {isAsking ? (
        <ConfirmDialog
          title={`Delete ${name}?`}
          action="Delete it"
          kind="danger"
          word={name}
          onConfirm={remove}
          onClose={() => setAsking(false)}
        >
          <p>{children}</p>
        </ConfirmDialog>
      ) : null}
    </p>
  );
}
