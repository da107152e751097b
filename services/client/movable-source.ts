import type { ControlData } from "../shared/protocol/control-frames.ts";
import type { Frame } from "../shared/protocol/frame.ts";
import { readControl } from "./control.ts";
import type { OpenSource, Source, SourceListener } from "./source.ts";
import type { StreamState } from "./stream-state.ts";

/** Someone who waits for a stream to be in force. */
interface Waiting {
  readonly resolve: (ready: ControlData["ready"]) => void;
  readonly reject: (end: StreamState) => void;
}

/** A source that goes on in another one when what it asks for changes: behind the last id, so that nothing is lost or comes twice. */
export class MovableSource implements Source {
  readonly #choose: () => Promise<OpenSource>;
  readonly #listener: SourceListener;
  #place: string | undefined;
  #inner: Source | undefined;
  #state: StreamState = { name: "connecting", reason: "opening" };
  #moves = 0;
  #ready: ControlData["ready"] | undefined;
  #isTrial = false;
  #hadStream = false;
  #waiting: Waiting[] = [];

  /** `choose` finds out how the stream is to be opened now. */
  constructor(choose: () => Promise<OpenSource>, listener: SourceListener, lastEventId: string | undefined) {
    this.#choose = choose;
    this.#listener = listener;
    this.#place = lastEventId;
    this.move();
  }

  get state(): StreamState {
    return this.#state;
  }

  get connectionId(): string | undefined {
    return this.#inner?.connectionId;
  }

  /** The id behind which the stream goes on. */
  get place(): string | undefined {
    return this.#place;
  }

  close(): void {
    this.#moves += 1;
    this.#isTrial = false;
    this.#inner?.close();
    if (this.#state.name !== "ended") this.#notify({ name: "ended", reason: "closed" });
  }

  /**
   * Tries to open the stream anew, as it is asked for now, and answers its `ready`.
   * @throws {StreamState} when it ends before: that is not told, and `move` goes back to what was asked for before.
   */
  async tryToMove(): Promise<ControlData["ready"]> {
    const ready = this.#nextReady();
    this.move();
    this.#isTrial = true;
    return ready;
  }

  /** Opens the stream anew. Nothing comes of the one before any more. */
  move(): void {
    if (this.#state.name === "ended") return;
    this.#isTrial = false;
    const turn = (this.#moves += 1);
    this.#inner?.close();
    this.#inner = undefined;
    this.#ready = undefined;
    void this.#open(turn);
  }

  async #open(turn: number): Promise<void> {
    const open = await this.#choose();
    if (turn !== this.#moves) return;
    const isCurrent = (): boolean => turn === this.#moves;
    const listener: SourceListener = {
      onFrame: (frame) => isCurrent() && this.#hear(frame),
      onState: (state) => isCurrent() && this.#notify(state),
    };
    this.#inner = open(listener, this.#place);
  }

  /**
   * The open stream's `ready`, or the next one's.
   * @throws {StreamState} when it ends before.
   */
  whenReady(): Promise<ControlData["ready"]> {
    if (this.#ready !== undefined && this.connectionId === this.#ready.connectionId)
      return Promise.resolve(this.#ready);
    return this.#nextReady();
  }

  #nextReady(): Promise<ControlData["ready"]> {
    return new Promise((resolve, reject) => {
      if (this.#state.name === "ended") reject(this.#state);
      else this.#waiting.push({ resolve, reject });
    });
  }

  #hear(frame: Frame): void {
    if (frame.id !== undefined) this.#place = frame.id;
    this.#listener.onFrame(frame);
    if (frame.event !== "ready") return;
    const ready = readControl(frame) as unknown as ControlData["ready"];
    this.#ready = ready;
    this.#hadStream = true;
    this.#isTrial = false;
    for (const { resolve } of this.#waiting.splice(0)) resolve(ready);
  }

  #notify(state: StreamState): void {
    if (state.name === "ended") {
      for (const { reject } of this.#waiting.splice(0)) reject(state);
      if (this.#isTrial) return;
    }
    // What was shown before is not undone by another source that begins.
    this.#state = this.#hadStream && state.name === "connecting" ? { ...state, name: "behind" } : state;
    this.#listener.onState(this.#state);
  }
}
