import { inflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { ChunkReader } from "#test/support/chunk-reader.ts";
import { type BodyCoding, chooseBodyCoding } from "./body-coding.ts";

/** The ten bytes that a gzip body begins with. */
const GZIP_HEAD_BYTES = 10;

const [hello, frames, bye] = ["hello", "data: x\n\n".repeat(100), "bye"];

describe("a body over HTTP/1.1", () => {
  test("is a chunk for each write, and a last one that says that the body is complete", () => {
    const coding = codingFor("1.1", undefined);
    expect(coding.begin(Buffer.from(hello)).toString()).toBe("5\r\nhello\r\n");
    expect(coding.encode(Buffer.from(frames)).toString()).toBe(`384\r\n${frames}\r\n`);
    expect(coding.end(Buffer.from(bye)).toString()).toBe("3\r\nbye\r\n0\r\n\r\n");
  });

  test("tells its framing, and that the connection ends with it", () => {
    expect(codingFor("1.1", "gzip").headers).toEqual([
      "Transfer-Encoding: chunked",
      "Connection: close",
      "Content-Encoding: gzip",
    ]);
  });

  test("is not ended by a write of nothing", () => {
    const coding = codingFor("1.1", "identity");
    expect(coding.begin(Buffer.alloc(0)).length).toBe(0);
    expect(coding.encode(Buffer.alloc(0)).length).toBe(0);
    expect(coding.end(Buffer.alloc(0)).toString()).toBe("0\r\n\r\n");
  });

  test("has the content coding inside of its chunks", () => {
    const body = new ChunkReader();
    const bytes = body.read(bodyOf(codingFor("1.1", "gzip")));
    expect(body.isComplete).toBe(true);
    expect(inflateRawSync(bytes.subarray(GZIP_HEAD_BYTES)).toString()).toBe(hello + frames + bye);
  });
});

describe("a body over HTTP/1.0", () => {
  test("is bare, and ends with its connection", () => {
    const coding = codingFor("1.0", undefined);
    expect(coding.headers).toEqual([]);
    expect(bodyOf(coding).toString()).toBe(hello + frames + bye);
  });

  test("may be compressed", () => {
    const coding = codingFor("1.0", "gzip");
    expect(coding.headers).toEqual(["Content-Encoding: gzip"]);
    expect(inflateRawSync(bodyOf(coding).subarray(GZIP_HEAD_BYTES)).toString()).toBe(hello + frames + bye);
  });
});

test("each coding has a name of its own", () => {
  const names = ["1.0", "1.1"].flatMap((version) => ["gzip", "identity"].map((by) => codingFor(version, by).name));
  expect(new Set(names).size).toBe(4);
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
  ["*", "gzip"],
  ["*;q=0, gzip", "gzip"],
  ["gzip;q=0, *", "identity"],
  ["gzip;q=0.5, identity", "identity"],
  ["identity;q=0, br", "identity"],
  ["not-gzip", "identity"],
])("Accept-Encoding %j is answered with %s", (header, name) => {
  expect(codingFor("1.1", header).name).toBe(`${name} chunked`);
});

function codingFor(httpVersion: string, acceptEncoding: string | undefined): BodyCoding {
  return chooseBodyCoding({ httpVersion, headers: { "accept-encoding": acceptEncoding } });
}

function bodyOf(coding: BodyCoding): Buffer {
  return Buffer.concat([
    coding.begin(Buffer.from(hello)),
    coding.encode(Buffer.from(frames)),
    coding.end(Buffer.from(bye)),
  ]);
}
