/** One frame of an event stream. */
export interface Frame {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: string;
}

/** The frame in the text before a blank line; undefined where it holds no data. */
export function parseFrame(block: string): Frame | undefined {
  let event = "message";
  let id: string | undefined;
  let data: string | undefined;
  for (const line of block.split("\n")) {
    if (line.startsWith("data:")) data = data === undefined ? valueOf(line) : `${data}\n${valueOf(line)}`;
    else if (line.startsWith("id:")) id = valueOf(line);
    else if (line.startsWith("event:")) event = valueOf(line);
  }
  return data === undefined ? undefined : { event, id, data };
}

function valueOf(line: string): string {
  const colon = line.indexOf(":");
  return line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
}
