import type { Frame } from "../../shared/protocol/frame.ts";
import { comparePlaces, type Place } from "./place.ts";

/** A frame with an id, and the place of its stream before it: whoever stands between the two misses nothing by taking it. */
export interface Link {
  readonly after: Place;
  readonly frame: Frame & { readonly id: string };
}

/** The latest frames of a stream as one chain, so that a tab which was away for a moment gets them from another tab. */
export class Tail {
  readonly #max: { readonly links: number; readonly characters: number };
  #links: Link[] = [];
  #characters = 0;
  #start: Place;
  #end: Place;

  constructor(max = { links: 500, characters: 1_000_000 }) {
    this.#max = max;
  }

  /** The place behind the last frame. */
  get end(): Place {
    return this.#end;
  }

  /** Forgets all frames: the chain begins anew at this place. */
  restart(at: Place): void {
    this.#links = [];
    this.#characters = 0;
    this.#start = at;
    this.#end = at;
  }

  /** Adds a frame; one that does not continue the chain begins a new one. */
  push(link: Link): void {
    // Nobody can stand before a stream's first id.
    if (link.after === undefined) return this.restart(link.frame.id);
    if (link.after !== this.#end) this.restart(link.after);
    this.#links.push(link);
    this.#end = link.frame.id;
    this.#characters += sizeOf(link);
    while (this.#links.length > this.#max.links || this.#characters > this.#max.characters) this.#forgetFirst();
  }

  /**
   * The frames behind this place; undefined where the chain does not reach back to it, or where it is of another log. A log that has
   * lost its end has other messages at the same numbers: a place counts by its number only where `isCertain` that it is one of the log
   * as it is now, and else where the chain has it.
   */
  since(place: Place, isCertain: boolean): Link[] | undefined {
    if (!isCertain || this.#links.some(losesEnd)) return this.#behind(place);
    const fromStart = comparePlaces(place, this.#start);
    if (fromStart === undefined || fromStart < 0) return undefined;
    return this.#links.filter(({ frame }) => (comparePlaces(frame.id, place) ?? 1) > 0);
  }

  #behind(place: Place): Link[] | undefined {
    if (place === this.#end) return [];
    const next = this.#links.findLastIndex(({ after }) => after === place);
    return next === -1 ? undefined : this.#links.slice(next);
  }

  #forgetFirst(): void {
    const first = this.#links.shift();
    if (first === undefined) return;
    this.#characters -= sizeOf(first);
    this.#start = first.frame.id;
  }
}

/** Whether the log goes on here from an earlier sequence, or may: its ids mean other messages from here on. */
function losesEnd({ after, frame }: Link): boolean {
  return frame.event === "reset" && comparePlaces(after, frame.id) !== undefined;
}

function sizeOf({ frame }: Link): number {
  return frame.data?.length ?? 0;
}
