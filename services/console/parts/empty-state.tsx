import type { ComponentChildren } from "preact";
import { Command } from "./command.tsx";

interface EmptyStateProps {
  /** Why there is nothing, in some words. */
  readonly title: string;
  /** The next step. */
  readonly children?: ComponentChildren;
  /** Lines for a shell that make the first of what is missing. */
  readonly commands?: readonly string[];
}

/** Stands where a list would, and says the next step. */
export function EmptyState({ title, children, commands = [] }: EmptyStateProps) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children === undefined ? null : <p class="quiet">{children}</p>}
      {commands.map((line) => (
        <Command key={line} line={line} />
      ))}
    </div>
  );
}
