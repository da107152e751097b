import type { Frame } from "../shared/protocol/frame.ts";
import type { StreamCalls } from "./calls/stream-calls.ts";
import { isEvent, readControl } from "./control.ts";
import { isBehind } from "./cursor.ts";
import type { Environment } from "./environment/environment.ts";
import { EventQueue } from "./event-queue.ts";
import { KeptId } from "./kept-id.ts";
import type { ConnectOptions, Reaction, Schemas } from "./options.ts";
import { type CheckedEvent, readEvent } from "./read-event.ts";
import type { EventOf, SluiceStream } from "./sluice-stream.ts";
import type { OpenSource, Source } from "./source.ts";
import type { StreamEvent } from "./stream-event.ts";
import { StreamEndedError } from "./stream-ended-error.ts";
import type { StreamState } from "./stream-state.ts";

type Listener = (value: never) => void;

/** A listener, with the name of what it hears: one function may listen more than once. */
type Listening = readonly [name: string, listener: Listener];

/** Events that came before anybody listened; beyond this nobody will. */
const MAX_HELD = 1_000;

/** Hands on what comes from a source: to listeners, to loops, and to the reactions of the options. */
export class FollowedStream<Given extends Schemas> implements Omit<SluiceStream<Given>, keyof StreamCalls> {
  readonly #options: ConnectOptions<Given>;
  readonly #source: Source;
  readonly #kept: KeptId | undefined;
  readonly #listeners = new Set<Listening>();
  readonly #queues = new Set<EventQueue<StreamEvent>>();
  #held: StreamEvent[] | undefined = [];
  /** What waits for a schema that takes its time: events stay in order. */
  #checking: Promise<void> | undefined;
  readonly #turns: Frame[] = [];

  constructor(options: ConnectOptions<Given>, environment: Environment, open: OpenSource) {
    const { onGap: gap, onReset: reset, onDegraded: degraded } = options;
    for (const [name, reaction] of Object.entries({ gap, reset, degraded })) {
      // Pages without types are to think of it, too.
      if (reaction === undefined) throw new TypeError(`decide about ${name}: a function or "ignore"`);
      this.#listen(name, (value) => runReaction(reaction as Reaction<never>, value));
    }
    this.#options = options;
    // A durable subscription knows by itself how far its holder is.
    if (options.remember && options.subscription === undefined) this.#kept = new KeptId(options, environment);
    const listener = {
      onFrame: (frame: Frame) => this.#takeTurn(frame),
      onState: (state: StreamState) => this.#notifyState(state),
    };
    this.#source = open(listener, options.lastEventId ?? this.#kept?.last);
  }

  get state(): StreamState {
    return this.#source.state;
  }

  on(name: string, listener: Listener): () => void {
    const stop = this.#listen(name, listener);
    if (name.includes(".")) this.#letGo();
    return stop;
  }

  onState(listener: (state: StreamState) => void): () => void {
    return this.on(STATE, listener);
  }

  close(): void {
    this.#source.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<EventOf<Given>> {
    const queue = new EventQueue<StreamEvent>((event) => (event ? this.#keep(event.id) : this.#queues.delete(queue)));
    this.#queues.add(queue);
    this.#letGo();
    if (this.state.name === "ended") void this.#endLoops(this.state);
    return queue as AsyncIterator<unknown> as AsyncIterator<EventOf<Given>>;
  }

  #listen(name: string, listener: Listener): () => void {
    const listening: Listening = [name, listener];
    this.#listeners.add(listening);
    return () => void this.#listeners.delete(listening);
  }

  #takeTurn(frame: Frame): void {
    if (this.#checking) return void this.#turns.push(frame);
    const checking = this.#take(frame);
    if (checking) this.#checking = this.#finish(checking);
  }

  /** Takes what came while a schema took its time. */
  async #finish(checking: Promise<void>): Promise<void> {
    await checking;
    for (let next = this.#turns.shift(); next; next = this.#turns.shift()) await this.#take(next);
    this.#checking = undefined;
  }

  #take(frame: Frame): Promise<void> | undefined {
    if (!isEvent(frame)) return this.#takeControl(frame);
    const checked = readEvent(frame, this.#options.schema);
    if (checked instanceof Promise) return checked.then((each) => this.#takeEvent(each));
    return this.#takeEvent(checked);
  }

  #takeEvent({ event, issues }: CheckedEvent): undefined {
    const { onInvalid } = this.#options;
    if (issues && onInvalid) runReaction(onInvalid, { event, issues });
    else this.#handOn(event);
    this.#keep(event.id);
  }

  #takeControl(frame: Frame): undefined {
    const { name, ...data } = readControl(frame);
    this.#notify(name, data);
    this.#keep(frame.id);
  }

  /** Whoever goes on behind an id that was kept has got everything before it. */
  #keep(id: string | undefined): void {
    if (!id || this.#held?.length) return;
    for (const { first } of this.#queues) if (first && !isBehind(id, first.id)) return;
    this.#kept?.keep(id);
  }

  #handOn(event: StreamEvent): void {
    if (this.#held) {
      if (this.#held.length < MAX_HELD) this.#held.push(event);
      return;
    }
    this.#notify(event.type, event);
    for (const queue of this.#queues) queue.push(event);
  }

  /** The first listener gets what came before it, in a moment: another one may be added in the same breath. */
  #letGo(): void {
    if (!this.#held) return;
    queueMicrotask(() => {
      const held = this.#held ?? [];
      this.#held = undefined;
      for (const event of held) this.#handOn(event);
      this.#keep(held.at(-1)?.id);
    });
  }

  #notifyState(state: StreamState): void {
    this.#notify(STATE, state);
    if (state.name === "ended") void this.#endLoops(state);
  }

  async #endLoops(state: Extract<StreamState, { readonly name: "ended" }>): Promise<void> {
    // Behind events whose schema takes its time, and those that wait for a listener.
    await this.#checking;
    const error = state.reason === "closed" ? undefined : new StreamEndedError(state);
    for (const queue of this.#queues) queue.end(error);
    this.#kept?.close();
  }

  #notify(name: string, value: unknown): void {
    // Those that are there now, and still are when it is their turn: one that hears may leave, come again, or take another one away.
    for (const listening of new Set(this.#listeners)) {
      if (listening[0] === name && this.#listeners.has(listening)) runReaction(listening[1], value as never);
    }
  }
}

/** No event and no frame has this name. */
const STATE = " state";

/** What somebody else's function throws is theirs, and the program hears of it; the stream goes on. */
export function runReaction<Value>(reaction: Reaction<Value>, value: Value): void {
  if (reaction === "ignore") return;
  try {
    reaction(value);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
