import type { Frame } from "../../services/shared/protocol/frame.ts";
import type { OpenSource } from "../../services/client/source.ts";

/** Who reads a stream of the log. */
interface Reading {
  readonly from: "now" | "earliest";
  /** Whose stream it is; an empty one's is refused. */
  readonly subject: () => string;
  readonly isMuted: () => boolean;
}

/** A log in memory whose streams behave as an edge's: behind an id, in order, live, and torn at any time. */
export class TabLog {
  readonly #texts: string[] = [];
  readonly #streams = new Set<{ send(): void; tear(): void; reset(): void }>();
  /** How many streams were opened so far. */
  opened = 0;

  get openStreams(): number {
    return this.#streams.size;
  }

  get length(): number {
    return this.#texts.length;
  }

  texts(): readonly string[] {
    return this.#texts;
  }

  append(...texts: readonly string[]): void {
    for (const text of texts) {
      this.#texts.push(text);
      for (const stream of this.#streams) stream.send();
    }
  }

  /** Loses the last events, and says so: their ids become those of others. */
  loseEnd(events: number): void {
    this.#texts.length -= events;
    for (const stream of this.#streams) stream.reset();
  }

  /** Breaks every stream off. */
  cut(): void {
    for (const stream of this.#streams) stream.tear();
  }

  /** The id of an event. */
  idOf(text: string): string {
    return idAt(this.#texts.indexOf(text) + 1);
  }

  opener({ from, subject, isMuted }: Reading): OpenSource {
    return (listener, lastEventId) => {
      let place = lastEventId ?? (from === "now" ? idAt(this.#texts.length) : idAt(0));
      let connectionId: string | undefined;
      let state: ReturnType<OpenSource>["state"] = { name: "connecting", reason: "opening" };
      const hear = (frame: Frame): void => {
        if (isMuted()) return;
        place = frame.id ?? place;
        listener.onFrame(frame);
      };
      const begin = (): void => {
        if (!this.#streams.has(stream)) return;
        if (subject() === "") {
          this.#streams.delete(stream);
          return listener.onState((state = { name: "ended", reason: "signed_out" }));
        }
        this.opened += 1;
        connectionId = `connection-${this.opened}`;
        const ready = { connectionId, tenant: "demo", subject: subject() };
        const isLost = seqOf(place) > this.#texts.length;
        hear({ event: "ready", ...(!isLost && { id: place }), data: JSON.stringify(ready) });
        if (isLost) stream.reset();
        if (state.name !== "live") listener.onState((state = { name: "live" }));
        stream.send();
      };
      const stream = {
        send: () => {
          if (connectionId === undefined) return;
          for (const data of this.#texts.slice(seqOf(place))) {
            if (this.#streams.has(stream)) hear({ id: idAt(seqOf(place) + 1), data });
          }
        },
        reset: () => {
          if (connectionId === undefined) return;
          hear({ event: "reset", id: idAt(this.#texts.length), data: '{"reason":"tail_lost"}' });
        },
        tear: () => {
          connectionId = undefined;
          setTimeout(begin);
        },
      };
      this.#streams.add(stream);
      setTimeout(begin);
      return {
        get state() {
          return state;
        },
        get connectionId() {
          return connectionId;
        },
        close: () => void this.#streams.delete(stream),
      };
    };
  }
}

function idAt(seq: number): string {
  return `epoch-one.${seq}.t${seq}`;
}

function seqOf(id: string): number {
  return Number(id.split(".")[1]);
}
