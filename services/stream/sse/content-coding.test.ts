import { gunzipSync, constants, inflateRawSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chooseCoding, gzip } from "./content-coding.ts";

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

  test("uses nothing of what was sent before: the same frames are the same bytes", () => {
    const frames = Buffer.from("data: the same again and again\n\n".repeat(20));
    expect(gzip.encode(frames).equals(gzip.encode(frames))).toBe(true);
    expect(gzip.encode(frames).length).toBeLessThan(100);
  });

  test("leaves less than 256 bytes as they are, behind five bytes", () => {
    expect(gzip.encode(Buffer.alloc(255)).length).toBe(260);
    expect(gzip.encode(Buffer.alloc(256)).length).toBeLessThan(30);
  });

  test("ends its deflate stream", () => {
    const body = Buffer.concat([gzip.encode(Buffer.from("last")), gzip.tail]);
    expect(inflateRawSync(body).toString()).toBe("last");
  });
});

test.each([
  [undefined, "identity"],
  ["", "identity"],
  ["gzip", "gzip"],
  ["GZIP", "gzip"],
  ["gzip, deflate, br, zstd", "gzip"],
  ["br;q=1.0, gzip;q=0.8, *;q=0.1", "gzip"],
  ["deflate,gzip ; q=0.001", "gzip"],
  ["gzip;q=0", "identity"],
  ["gzip;q=0.000", "identity"],
  ["br, deflate", "identity"],
  ["*", "identity"],
  ["not-gzip", "identity"],
])("Accept-Encoding %j is answered with %s", (header, name) => {
  expect(chooseCoding(header).name).toBe(name);
});
