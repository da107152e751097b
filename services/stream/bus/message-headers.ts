import { linesOf } from "#shared/nats/read-attributes.ts";

const COLON = 58;

/** A direct read appends headers of the server's, of which this is the first. */
const FIRST_OF_SERVER = Buffer.from("\r\nNats-Stream: ");

/** A block as a direct read sends it, taken apart. */
export interface DirectBlock {
  /** The headers the message was published with. */
  readonly published: Buffer;
  /** The server's, by name. Those of the same names that a producer made up are not among them. */
  readonly server: ReadonlyMap<string, string>;
}

/** Takes the headers of a direct read apart; undefined where it is no message but a status. */
export function splitDirectBlock(block: Buffer): DirectBlock | undefined {
  const end = block.lastIndexOf(FIRST_OF_SERVER);
  if (end === -1) return undefined;
  const server = new Map<string, string>();
  for (const line of linesOf(block.subarray(end))) {
    const colon = line.indexOf(COLON);
    if (colon !== -1) server.set(line.toString("utf8", 0, colon), line.toString("utf8", colon + 1).trim());
  }
  return { published: block.subarray(0, end), server };
}

/** The status of a block, such as 404; 0 where it has none. */
export function statusOf(block: Buffer): number {
  return Number(/^NATS\/1\.0 +(\d+)/.exec(block.toString("latin1", 0, 20))?.[1] ?? 0);
}

/** What a block says of its status, such as `Request Timeout`. */
export function statusTextOf(block: Buffer): string {
  return /^NATS\/1\.0 +\d+ *([^\r\n]*)/.exec(block.toString("latin1", 0, 200))?.[1] ?? "";
}
