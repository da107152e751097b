import type { Audience } from "../audiences/audience.ts";
import type { Audiences } from "../audiences/audiences.ts";
import type { Position } from "../event.ts";
import type { LateTopics } from "../subscription/late-topics.ts";
import type { Behind, ReaderState } from "./reader-state.ts";

/** Holds a reader while its topics change. */
export class TopicHold {
  readonly #over = Promise.withResolvers<void>();
  /** The live reader's audience, to which it comes back with other topics where it was alone in it. */
  readonly #vacated: Audience | undefined;
  /** The state in which a live reader is held: nothing drives it yet. Undefined for a reader that was behind. */
  readonly #state: Behind | undefined;

  constructor(vacated: Audience | undefined, state: Behind | undefined) {
    this.#vacated = vacated;
    this.#state = state;
  }

  /** Resolves when the reader may go on. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Lets the reader, which is in `state`, go on by these topics; `begin` drives one that nothing drives. */
  end(audiences: Audiences, topics: readonly string[], state: ReaderState, begin: () => void): void {
    if (this.#vacated !== undefined) audiences.rekey(this.#vacated, topics);
    if (state === this.#state) begin();
    if (this.#vacated !== undefined) audiences.dropIfEmpty(this.#vacated);
    this.#over.resolve();
  }
}

/** The later one of two positions: a client may have read further at another edge than this one has. */
export function later(one: Position, other: Position): Position {
  return one.seq > other.seq ? one : other;
}

/** The topics that do not count at `cursor` yet, when `added` count behind `from`. */
export function lateWith(
  late: LateTopics | undefined,
  added: readonly string[],
  from: Position,
  cursor: Position,
): LateTopics | undefined {
  if (from.seq <= cursor.seq) return late;
  return new Map([...(late ?? []), ...added.map((topic) => [topic, from.seq] as const)]);
}
