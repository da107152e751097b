import type { ReadonlySignal } from "@preact/signals";

/** The place where sentences are said, and seen for some seconds. */
export function Announced({ sentence }: { readonly sentence: ReadonlySignal<string> }) {
  return (
    <div class="announced" role="status" data-shown={sentence.value !== ""}>
      {sentence.value}
    </div>
  );
}
