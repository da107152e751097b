import type { FieldMask, MaskNode } from "./field-mask.ts";
import { skipSpace } from "./is-json.ts";

const QUOTE = 34;
const COMMA = 44;
const ARRAY = 91;
const BACKSLASH = 92;
const ARRAY_END = 93;
const OBJECT = 123;
const OBJECT_END = 125;
const ASCII_END = 128;

/** The masks at a value: those that hide it, and the places of their paths that go on in it. */
interface Place {
  readonly hidden: number;
  readonly nodes: readonly MaskNode[];
  /** The place of a member that no path names. */
  elsewhere: Place | undefined;
}

/** An array or object that is being read. */
interface Container {
  readonly isObject: boolean;
  readonly place: Place;
  /** Whether a member was kept, so that the comma before the next one is its own. */
  hasKept: boolean;
}

/**
 * A JSON text without the fields that a mask hides; everything else stands as it was published, byte for byte. A member is
 * hidden however its name is spelled, and each time where it stands there twice. The elements of an array stand where the array
 * stands. `text` must be JSON: what is not is to be kept from the reader as a whole.
 */
export function withoutFields(text: Buffer, mask: FieldMask): Buffer {
  const left = Buffer.allocUnsafeSlow(text.length);
  let length = 0;
  let from = 0;
  for (const cut of new Reader(text, mask).findCuts()) {
    length += text.copy(left, length, from, cut.begin);
    from = cut.end;
  }
  if (from === 0) return text;
  length += text.copy(left, length, from);
  return left.subarray(0, length);
}

/** Bytes that are left out. */
interface Cut {
  readonly begin: number;
  end: number;
}

class Reader {
  readonly #text: Buffer;
  readonly #masks: number;
  readonly #cuts: Cut[] = [];
  /** The innermost last. A text may be nested as deep as it is long. */
  readonly #open: Container[] = [];
  readonly #root: Place;
  #at = 0;

  constructor(text: Buffer, { root, masks }: FieldMask) {
    this.#text = text;
    this.#masks = masks;
    this.#root = { hidden: 0, nodes: [root], elsewhere: undefined };
  }

  findCuts(): readonly Cut[] {
    let place: Place | undefined = this.#root;
    while (place !== undefined) {
      this.#read(place);
      place = this.#next();
    }
    return this.#cuts;
  }

  /** Enters a value that paths go on in, and goes behind any other. */
  #read(place: Place): void {
    const at = skipSpace(this.#text, this.#at);
    const byte = this.#text[at];
    if (place.nodes.length > 0 && (byte === OBJECT || byte === ARRAY)) {
      this.#open.push({ isObject: byte === OBJECT, place, hasKept: false });
      this.#at = at + 1;
    } else this.#at = skipValue(this.#text, at);
  }

  /** Goes to the next value that is kept, and answers its place; undefined at the end. */
  #next(): Place | undefined {
    for (;;) {
      const container = this.#open[this.#open.length - 1];
      if (container === undefined) return undefined;
      this.#at = skipSpace(this.#text, this.#at);
      const byte = this.#text[this.#at];
      if (byte === OBJECT_END || byte === ARRAY_END) {
        this.#open.pop();
        this.#at += 1;
        continue;
      }
      const place = container.isObject ? this.#nextMember(container) : this.#nextElement(container);
      if (place !== undefined) return place;
    }
  }

  #nextElement({ place }: Container): Place {
    if (this.#text[this.#at] === COMMA) this.#at += 1;
    return place;
  }

  /** Stands before a member or its comma. Cuts the member out where it is hidden. */
  #nextMember(container: Container): Place | undefined {
    const text = this.#text;
    const begin = this.#at;
    const hasComma = text[begin] === COMMA;
    const nameBegin = skipSpace(text, hasComma ? begin + 1 : begin);
    const nameEnd = skipString(text, nameBegin);
    const place = placeUnder(container.place, readName(text, nameBegin + 1, nameEnd - 1));
    const valueBegin = skipSpace(text, skipSpace(text, nameEnd) + 1);
    if ((place.hidden & this.#masks) === this.#masks) {
      this.#at = skipValue(text, valueBegin);
      this.#cut(begin, this.#at);
      return undefined;
    }
    // The comma belonged to a member before it, which is gone.
    if (hasComma && !container.hasKept) this.#cut(begin, nameBegin);
    container.hasKept = true;
    this.#at = valueBegin;
    return place;
  }

  #cut(begin: number, end: number): void {
    const last = this.#cuts[this.#cuts.length - 1];
    if (last?.end === begin) last.end = end;
    else this.#cuts.push({ begin, end });
  }
}

function placeUnder(place: Place, name: string): Place {
  let { hidden } = place;
  let nodes: MaskNode[] | undefined;
  for (const node of place.nodes) {
    const named = node.names.get(name);
    if (named === undefined && node.any === undefined) continue;
    nodes ??= [];
    for (const child of [named, node.any]) {
      if (child === undefined) continue;
      hidden |= child.hides;
      nodes.push(child);
    }
  }
  if (nodes !== undefined) return { hidden, nodes, elsewhere: undefined };
  return (place.elsewhere ??= { hidden, nodes: [], elsewhere: undefined });
}

function readName(text: Buffer, begin: number, end: number): string {
  for (let at = begin; at < end; at += 1) {
    const byte = text[at] as number;
    if (byte !== BACKSLASH && byte < ASCII_END) continue;
    const name: string = JSON.parse(text.toString("utf8", begin - 1, end + 1));
    return name.normalize("NFC");
  }
  return text.toString("latin1", begin, end);
}

/** Behind a string that begins at `from`. */
function skipString(text: Buffer, from: number): number {
  let at = from + 1;
  for (let byte = text[at]; byte !== QUOTE && at < text.length; byte = text[at]) at += byte === BACKSLASH ? 2 : 1;
  return at + 1;
}

/** Behind a value that begins at `from`, and behind what stands between it and what comes next. */
function skipValue(text: Buffer, from: number): number {
  let depth = 0;
  let at = from;
  do {
    const byte = text[at];
    if (byte === QUOTE) at = skipString(text, at);
    else {
      if (byte === OBJECT || byte === ARRAY) depth += 1;
      if (byte === OBJECT_END || byte === ARRAY_END) depth -= 1;
      at += 1;
      if (depth === 0 && byte !== OBJECT_END && byte !== ARRAY_END) at = skipScalar(text, at);
    }
  } while (depth > 0 && at < text.length);
  return at;
}

/** To the end of a number or a word. */
function skipScalar(text: Buffer, from: number): number {
  let at = from;
  for (let byte = text[at]; at < text.length; byte = text[at]) {
    if (byte === COMMA || byte === OBJECT_END || byte === ARRAY_END) return at;
    at += 1;
  }
  return at;
}
