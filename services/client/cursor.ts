import type { Frame } from "../shared/protocol/frame.ts";
import { parseEventId } from "../shared/protocol/event-id.ts";
import { isEvent } from "./control.ts";

/** How far a stream has come: nothing is handed on twice, whichever connections it came by. */
export class Cursor {
  readonly #repeats: boolean;
  #last: string | undefined;

  /** `repeats`: earlier events come again on purpose, as on a durable subscription. */
  constructor(last: string | undefined, repeats: boolean) {
    this.#last = last;
    this.#repeats = repeats;
  }

  /** Behind which id the stream goes on. */
  get last(): string | undefined {
    return this.#last;
  }

  /** Whether the frame is news; what is counts as handed on. */
  take(frame: Frame): boolean {
    const { event, id } = frame;
    if (!id) return true;
    const isAhead = event === "reset" || isBehind(this.#last, id);
    if (isAhead) this.#last = id;
    return isAhead || this.#repeats || !isEvent(frame);
  }
}

/** Whether `id` lies behind `last` in the log, or in another log. */
export function isBehind(last: string | undefined, id: string): boolean {
  const before = parseEventId(last ?? "");
  const after = parseEventId(id);
  if (before === undefined || after === undefined) return id !== last;
  return before.epoch !== after.epoch || after.position.seq > before.position.seq;
}
