import { attributesOf } from "#shared/contract/event-attributes.ts";

/** An event's headers, names, values and line ends together. */
const MAX_HEADER_BYTES = 16 * 1024;

/** An event's headers, repeated names counted each time. */
const MAX_HEADERS = 64;

const LINE_END = Buffer.from("\r\n");
const COLON = 58;

/**
 * The headers that count of an event, by lower-case name; `too_large` where it has more than 16 KB or 64 of them. The texts are
 * copies: a part of the whole block would keep all of it in memory.
 */
export function readAttributes(block: Buffer | undefined): Readonly<Record<string, string>> | "too_large" {
  if (block === undefined) return attributesOf(undefined);
  const values = new Map<string, string>();
  let [count, bytes] = [0, 0];
  for (const line of linesOf(block)) {
    count += 1;
    bytes += line.length + LINE_END.length;
    if (count > MAX_HEADERS || bytes > MAX_HEADER_BYTES) return "too_large";
    const colon = line.indexOf(COLON);
    const name = line.toString("utf8", 0, Math.max(0, colon));
    if (colon !== -1 && !values.has(name)) values.set(name, line.toString("utf8", colon + 1).trim());
  }
  return attributesOf({ keys: () => [...values.keys()], get: (name) => values.get(name) ?? "" });
}

/** The lines of a block of headers behind the first, which is the protocol's version and the status. */
export function* linesOf(block: Buffer): Generator<Buffer> {
  for (let end = block.indexOf(LINE_END); end !== -1;) {
    const begin = end + LINE_END.length;
    end = block.indexOf(LINE_END, begin);
    const line = block.subarray(begin, end === -1 ? block.length : end);
    if (line.length > 0) yield line;
  }
}
