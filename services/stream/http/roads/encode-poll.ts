import { parseEventId } from "#shared/protocol/event-id.ts";

const LF = 10;

/** The id of a frame: in JSON lines it stands before the data, with nothing but the event's name in front. */
const ID = /^\{(?:"event":"[^"]*",)?"id":"([^"]*)"/;

/** A frame's id and name are shorter together. */
const MAX_HEAD = 1_024;

/**
 * The answer to a poll: `{"frames": […], "next": "<id>"}` of JSON lines. `next` is the id of the last frame that has one, else the id that
 * the client came with, where that is one; "" is none, as for a stream.
 */
export function encodePoll(lines: readonly Buffer[], cameWith: string): Buffer {
  const frames = lines.flatMap((piece) => [...linesOf(piece)]);
  const next = frames.reduce<string | undefined>((last, frame) => idOf(frame) ?? last, undefined);
  const own = parseEventId(cameWith) === undefined ? "" : cameWith;
  const parts = frames.flatMap((frame, place) => (place === 0 ? [frame] : [COMMA, frame]));
  return Buffer.concat([BEGIN, ...parts, Buffer.from(`],"next":${JSON.stringify(next ?? own)}}\n`)]);
}

const BEGIN = Buffer.from('{"frames":[');
const COMMA = Buffer.from(",");

/** The lines that hold something. */
function* linesOf(piece: Buffer): Generator<Buffer> {
  for (let begin = 0; begin < piece.length;) {
    const end = piece.indexOf(LF, begin);
    if (end > begin) yield piece.subarray(begin, end);
    begin = end + 1;
  }
}

function idOf(frame: Buffer): string | undefined {
  return ID.exec(frame.toString("latin1", 0, MAX_HEAD))?.[1];
}
