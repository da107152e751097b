import type { ComponentChildren } from "preact";

/** What a badge says besides its words; the words alone must be enough. */
export type Tone = "good" | "bad" | "warn" | "quiet";

/** A state in a word. */
export function Badge({ tone, children }: { readonly tone: Tone; readonly children: ComponentChildren }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}
