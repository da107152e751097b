import { setTimeout as delay } from "node:timers/promises";
import type { BootLog } from "#shared/config/read-config.ts";
import { backoffMs } from "#shared/time/backoff.ts";

const BACKOFF = { baseMs: 500, maxMs: 15_000 };

/** Whether a home can be served: what it was opened as, or why it is not open. */
export type HomeState<Open> =
  | { readonly is: "open"; readonly open: Open }
  | { readonly is: "away"; readonly reason: string };

/** What a home is opened by. */
export interface FurtherHomeDeps<Open> {
  readonly name: string;
  readonly log: BootLog;
  /** Opens the home; what the stack holds is ended with it, also where it throws. */
  readonly open: (stack: AsyncDisposableStack) => Promise<Open>;
}

/**
 * A home beside the own one: it is opened in the background, again and again with growing pauses, and nothing of the own home waits for
 * it. Once it is open it stays open: its parts find their way back by themselves. Disposing it ends what is open.
 */
export class FurtherHome<Open> implements AsyncDisposable {
  readonly name: string;
  readonly #deps: FurtherHomeDeps<Open>;
  readonly #stop = new AbortController();
  #state: HomeState<Open> = { is: "away", reason: "it is being opened" };
  #end: () => Promise<void> = async () => undefined;

  constructor(deps: FurtherHomeDeps<Open>) {
    this.name = deps.name;
    this.#deps = deps;
    void this.#keepOpening();
  }

  get state(): HomeState<Open> {
    return this.#state;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // An attempt that is under way may wait for a silent server: it ends by itself, and nobody waits for that.
    this.#stop.abort();
    await this.#end();
  }

  async #keepOpening(): Promise<void> {
    const { log, name } = this.#deps;
    for (let attempt = 0; !this.#stop.signal.aborted; attempt += 1) {
      const reason = await this.#open();
      if (reason === undefined) return;
      if (this.#state.is === "away" && this.#state.reason !== reason && !this.#stop.signal.aborted) {
        log.warn({ home: name, reason }, "the home cannot be opened; it is tried again and again");
      }
      this.#state = { is: "away", reason };
      await delay(backoffMs(attempt, BACKOFF), undefined, { signal: this.#stop.signal, ref: false }).catch(
        () => undefined,
      );
    }
  }

  /** Answers why the home cannot be opened now; undefined once it is. */
  async #open(): Promise<string | undefined> {
    await using stack = new AsyncDisposableStack();
    try {
      const open = await this.#deps.open(stack);
      if (this.#stop.signal.aborted) return undefined;
      const held = stack.move();
      this.#end = () => held.disposeAsync();
      this.#state = { is: "open", open };
      this.#deps.log.info({ home: this.name }, "the home is open");
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
}
