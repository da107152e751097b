import { isUtf8 } from "node:buffer";
import type { Read } from "./observe-stream.ts";

/** What the bytes of an event stream hold, by the rules of the HTML Standard, section 9.2.6. */
export interface Framing {
  readonly isUtf8: boolean;
  /** Blocks with data. */
  readonly events: number;
  readonly comments: number;
  /** Names of fields that clients ignore. */
  readonly unknownFields: readonly string[];
  readonly ids: readonly string[];
  readonly retries: readonly string[];
  /** Whether the last bytes end a block or a line; what follows an open block is given out with the next one only. */
  readonly endsOpen: boolean;
}

const FIELDS = new Set(["event", "data", "id", "retry"]);

/** Reads the lines and blocks of an event stream. */
export function readFraming(reads: readonly Read[]): Framing {
  const bytes = Buffer.concat(reads.map((read) => read.bytes));
  const text = bytes.toString("utf8").replace(/^\uFEFF/, "");
  const lines = text.split(/\r\n|\r|\n/);
  const unknown = new Set<string>();
  const ids: string[] = [];
  const retries: string[] = [];
  let [events, comments, hasData] = [0, 0, false];
  // What stands behind the last line end is no line yet.
  for (const line of lines.slice(0, -1)) {
    const [, name = "", value = ""] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (line === "") {
      if (hasData) events += 1;
      hasData = false;
    } else if (line.startsWith(":")) comments += 1;
    else if (!FIELDS.has(name)) unknown.add(name.slice(0, 40));
    else if (name === "data") hasData = true;
    else if (name === "id") ids.push(value);
    else if (name === "retry") retries.push(value);
  }
  const endsOpen = hasData || lines.at(-1) !== "";
  // A character may be cut by the end of listening.
  const whole = isUtf8(bytes.subarray(0, bytes.lastIndexOf(10) + 1));
  return { isUtf8: whole, events, comments, unknownFields: [...unknown], ids, retries, endsOpen };
}
