import type { FrameData, Framing } from "./framing.ts";

const LF = 10;
const CR = 13;
const SPACE = 32;

/** One JSON text to a line: frames are told apart by line ends, and a batch of them is a list. */
export const jsonFraming: Framing = {
  encodeEvent: (_, data) => encodeLine(data),
  encodeControl: (event, data, { id, retryMs } = {}) =>
    Buffer.from(`${JSON.stringify({ event, id, retryMs, data: data === "" ? undefined : data })}\n`),
  heartbeat: Buffer.from("\n"),
};

/** JSON has line ends between its parts alone, where a space means the same. */
function encodeLine({ before, body, behind }: FrameData): Buffer {
  const beginBytes = Buffer.byteLength(before);
  const line = Buffer.allocUnsafeSlow(beginBytes + body.length + behind.length + 1);
  line.write(before);
  line.set(body, beginBytes);
  line.write(`${behind}\n`, beginBytes + body.length);
  if (body.includes(LF) || body.includes(CR)) joinLines(line.subarray(beginBytes, beginBytes + body.length));
  return line;
}

function joinLines(body: Buffer): void {
  for (let at = 0; at < body.length; at += 1) if (body[at] === LF || body[at] === CR) body[at] = SPACE;
}
