import type { Environment } from "./environment/environment.ts";
import { type Ended, type Happening, stateAfter } from "./state-machine.ts";
import type { StreamState } from "./stream-state.ts";

/** A stream that goes on behind an id has caught up when no event came for so long. */
const QUIET_MS = 1_000;

/** The state of one stream, told whenever it changes. */
export class StreamLife {
  readonly #environment: Pick<Environment, "after">;
  readonly #onState: (state: StreamState) => void;
  #state: StreamState = { name: "connecting", reason: "opening" };
  #hadStream = false;
  #cancelQuiet: () => void = () => {};

  constructor(environment: Pick<Environment, "after">, onState: (state: StreamState) => void) {
    this.#environment = environment;
    this.#onState = onState;
  }

  get state(): StreamState {
    return this.#state;
  }

  get isEnded(): boolean {
    return this.#state.name === "ended";
  }

  /** Something has happened. */
  happen(happening: Happening): void {
    this.#hadStream ||= happening.kind === "ready";
    this.#become(stateAfter(this.#state, happening, this.#hadStream));
    this.event();
  }

  /** An event came: the quiet begins anew, by a timer, for a clock may be set back. */
  event(): void {
    this.#cancelQuiet();
    if (this.#state.name !== "behind" || this.#state.reason !== "catching_up") return;
    this.#cancelQuiet = this.#environment.after(QUIET_MS, () => this.happen({ kind: "quiet" }));
  }

  /** It is over, for good. */
  end(state: Ended): void {
    if (this.isEnded) return;
    this.#cancelQuiet();
    this.#become(state);
  }

  #become(state: StreamState): void {
    const isSame = JSON.stringify(this.#state) === JSON.stringify(state);
    this.#state = state;
    if (!isSame) this.#onState(state);
  }
}
