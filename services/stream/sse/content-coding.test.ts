import { randomBytes } from "node:crypto";
import { gunzipSync, constants, inflateRawSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { gzip } from "./content-coding.ts";

const UNFINISHED = { finishFlush: constants.Z_SYNC_FLUSH };

describe("gzip", () => {
  test("gives back what was written, whatever it was and in whichever pieces", () => {
    const piece = fc.oneof(fc.uint8Array({ maxLength: 600 }), fc.string({ minLength: 1, maxLength: 3_000 }));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const frames = pieces.map((each) => Buffer.from(each as string));
        const body = Buffer.concat([gzip.head, ...frames.map((frame) => gzip.encode(frame))]);
        expect(gunzipSync(body, UNFINISHED).equals(Buffer.concat(frames))).toBe(true);
      }),
    );
  });

  test("makes every piece readable as soon as it is here", () => {
    for (const text of ["small", "large ".repeat(1_000)]) {
      expect(inflateRawSync(gzip.encode(Buffer.from(text)), UNFINISHED).toString()).toBe(text);
    }
  });

  test("ends every piece with the mark at which inflaters give out what they have", () => {
    for (const length of [1, 255, 256, 100_000]) {
      for (const piece of [Buffer.alloc(length), randomBytes(length)]) {
        expect(gzip.encode(piece).subarray(-4).toString("hex")).toBe("0000ffff");
      }
    }
    const small = gzip.encode(Buffer.from("small"));
    expect(small.toString("latin1")).toBe("\0\x05\0\xfa\xffsmall\0\0\0\xff\xff");
  });

  test("uses nothing of what was sent before: the same frames are the same bytes", () => {
    const frames = Buffer.from("data: the same again and again\n\n".repeat(20));
    expect(gzip.encode(frames).equals(gzip.encode(frames))).toBe(true);
    expect(gzip.encode(frames).length).toBeLessThan(100);
  });

  test("leaves less than 256 bytes as they are, between five bytes and five more", () => {
    expect(gzip.encode(Buffer.alloc(255)).length).toBe(265);
    expect(gzip.encode(Buffer.alloc(256)).length).toBeLessThan(30);
  });

  test("ends its deflate stream", () => {
    const body = Buffer.concat([gzip.encode(Buffer.from("last")), gzip.tail]);
    expect(inflateRawSync(body).toString()).toBe("last");
  });
});
