import type { ComponentChildren, TargetedMouseEvent } from "preact";

/** How a button looks: the one next step of a screen, anything else, what takes something away, or a word in a line. */
export type ButtonKind = "primary" | "plain" | "danger" | "quiet";

interface ButtonProps {
  readonly children: ComponentChildren;
  readonly kind?: ButtonKind;
  /** Sends the form that it stands in. */
  readonly submits?: boolean;
  /** What it began is not done: it says so, and cannot be pressed. */
  readonly isPending?: boolean;
  readonly isDisabled?: boolean;
  /** Its name where the text is not enough. */
  readonly label?: string;
  readonly isPressed?: boolean;
  readonly onClick?: (event: TargetedMouseEvent<HTMLButtonElement>) => void;
}

/** A button. */
export function Button(props: ButtonProps) {
  const { children, kind = "plain", submits = false, isPending = false, isDisabled = false, label, isPressed } = props;
  return (
    <button
      type={submits ? "submit" : "button"}
      class={`button ${kind}`}
      aria-busy={isPending || undefined}
      aria-label={label}
      aria-pressed={isPressed}
      disabled={isDisabled || isPending}
      onClick={props.onClick}
    >
      {children}
    </button>
  );
}
