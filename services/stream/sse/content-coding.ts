import { constants, deflateRawSync } from "node:zlib";

/** How a response's body is coded on its way (RFC 9110, section 8.4.1). */
export interface ContentCoding {
  readonly name: "identity" | "gzip";
  /** What a body begins with. */
  readonly head: Buffer;
  /** What a body ends with. */
  readonly tail: Buffer;
  /**
   * Codes frames independently of all earlier ones, and so that all can be decoded at once: the same bytes are good for
   * every body of this coding.
   */
  encode(frames: Buffer): Buffer;
}

/** Frames as they are. */
export const identity: ContentCoding = {
  name: "identity",
  head: Buffer.alloc(0),
  tail: Buffer.alloc(0),
  encode: (frames) => frames,
};

/** Less than this is not worth compressing: it gains a few bytes, for more CPU than all the rest of a delivery. */
const MIN_DEFLATED_BYTES = 256;

/**
 * Each time from nothing (no context that could carry one person's event into another's bytes), up to a byte's end. Level 1
 * takes a third of the CPU that level 6 takes, for bytes that are a sixth more.
 */
const DEFLATE = { level: 1, finishFlush: constants.Z_SYNC_FLUSH };

/**
 * gzip (RFC 1952). Its body has no checksum: that would have to be kept for each reader. Browsers, curl and fetch read a
 * stream that ends without one to its end.
 */
export const gzip: ContentCoding = {
  name: "gzip",
  head: Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]),
  // An empty last block (RFC 1951, section 3.2.6).
  tail: Buffer.from([0x03, 0x00]),
  encode: (frames) => (frames.length < MIN_DEFLATED_BYTES ? storedBlock(frames) : deflateRawSync(frames, DEFLATE)),
};

/** An empty stored block, as a sync flush writes it. Some inflaters, Go's among them, give out bytes at this mark alone. */
const FLUSH_MARK = Buffer.from([0x00, 0x00, 0x00, 0xff, 0xff]);

/** Bytes as they are, inside a deflate stream (RFC 1951, section 3.2.4). */
function storedBlock(bytes: Buffer): Buffer {
  const header = Buffer.allocUnsafe(5);
  header.writeUInt8(0, 0);
  header.writeUInt16LE(bytes.length, 1);
  header.writeUInt16LE(~bytes.length & 0xffff, 3);
  return Buffer.concat([header, bytes, FLUSH_MARK]);
}
