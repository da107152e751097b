import { useState } from "preact/hooks";
import { Button } from "./button.tsx";

/** A line for a shell, with a button that copies it. */
export function Command({ line }: { readonly line: string }) {
  return (
    <p class="command">
      <code tabIndex={0}>{line}</code>
      <Copy text={line} what="the command" />
    </p>
  );
}

/** An identifier that can be copied. */
export function Identifier({ id, what }: { readonly id: string; readonly what: string }) {
  return (
    <span class="identifier">
      <code>{id}</code>
      <Copy text={id} what={what} />
    </span>
  );
}

function Copy({ text, what }: { readonly text: string; readonly what: string }) {
  const [state, setState] = useState<"idle" | "copied" | "refused">("idle");
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setState("copied");
    } catch {
      setState("refused");
    }
    setTimeout(() => setState("idle"), 2_000);
  };
  const words = { idle: "Copy", copied: "Copied", refused: "Select it" };
  return (
    <Button kind="quiet" label={`${words[state]} ${state === "idle" ? what : ""}`.trim()} onClick={() => void copy()}>
      {words[state]}
    </Button>
  );
}
