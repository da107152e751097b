import type { Position } from "../event.ts";
import { gapTo, type Notice } from "./resume.ts";

/** What is gone before a reader's cursor, and was not told to its client yet. */
export class UntoldHole {
  #span: { readonly after: Position; readonly to: Position } | undefined;

  /** Takes in a hole from `after` to `to`; one that nothing for this reader stands before since the last is one with that. */
  add(after: Position, to: Position): void {
    this.#span = { after: this.#span?.after ?? after, to };
  }

  forget(): void {
    this.#span = undefined;
  }

  /** The notice that is due, which counts as told from here on. */
  take(epoch: string): { readonly position: Position; readonly notice: Notice } | undefined {
    if (this.#span === undefined) return undefined;
    const { after, to } = this.#span;
    this.forget();
    return gapTo(epoch, after, to, "erased");
  }
}
