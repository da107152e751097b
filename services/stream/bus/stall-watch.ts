/** Heartbeats between two answers of the leader: on two requests, at least two to each. One may be older than the answer. */
const MIN_HEARTBEATS = 4;

/** The leader's answer, and what had been read at that time. */
interface Look {
  readonly readSeq: number;
  readonly lastSeq: number;
}

/**
 * Finds out that a consumer brings nothing of what the log has: it says again and again that there is nothing new, while the log's
 * leader says twice that there is.
 */
export class StallWatch {
  #heartbeats = 0;
  #suspected: { readonly readSeq: number; readonly heartbeats: number } | undefined;

  /** Whether the leader has said once that there is more. */
  get isSuspected(): boolean {
    return this.#suspected !== undefined;
  }

  /** The consumer says that it has nothing new. */
  noteHeartbeat(): void {
    this.#heartbeats += 1;
  }

  /** Takes the leader's next answer; answers whether the consumer is to be given up. */
  isStalled({ readSeq, lastSeq }: Look): boolean {
    const suspected = this.#suspected;
    if (lastSeq <= readSeq) this.#suspected = undefined;
    else if (suspected?.readSeq !== readSeq) this.#suspected = { readSeq, heartbeats: this.#heartbeats };
    else if (this.#heartbeats - suspected.heartbeats >= MIN_HEARTBEATS) {
      this.#suspected = undefined;
      return true;
    }
    return false;
  }
}
