import { negotiatorFor } from "#shared/http/negotiator-for.ts";
import { type ContentCoding, gzip, identity } from "./content-coding.ts";

/** A response's body on the wire: its content coding, inside the framing of its HTTP version. */
export interface BodyCoding {
  /** One name for each, for use as a key. */
  readonly name: string;
  /** Its lines in the response's head. */
  readonly headers: readonly string[];
  /** Codes the frames that a body begins with. */
  begin(frames: Buffer): Buffer;
  /** Codes further frames. The same bytes are good at any place of any body of this coding. */
  encode(frames: Buffer): Buffer;
  /** Codes the last frames, and ends the body. */
  end(frames: Buffer): Buffer;
}

/** How a body is delimited (RFC 9112, section 6.3). */
interface Framing {
  readonly name: "chunked" | "close";
  readonly headers: readonly string[];
  frame(bytes: Buffer): Buffer;
  /** What ends a body that is complete. */
  readonly end: Buffer;
}

const NOTHING = Buffer.alloc(0);

/** A body that breaks off has no last chunk: its client sees an error instead of a normal end. */
const chunked: Framing = {
  name: "chunked",
  headers: ["Transfer-Encoding: chunked", "Connection: close"],
  frame: chunkOf,
  end: Buffer.from("0\r\n\r\n"),
};

/** HTTP/1.0 has nothing else for a body of unknown length. */
const closeDelimited: Framing = { name: "close", headers: [], frame: (bytes) => bytes, end: NOTHING };

/** Frames as they are. */
export const plainBody: BodyCoding = combine(identity, closeDelimited);

const CODINGS = {
  chunked: { identity: combine(identity, chunked), gzip: combine(gzip, chunked) },
  close: { identity: plainBody, gzip: combine(gzip, closeDelimited) },
};

/** The part of a request that says which bodies its client can read. */
export interface BodyRequest {
  readonly httpVersion: string;
  readonly headers: { readonly "accept-encoding"?: string | string[] | undefined };
}

/** The coding for the response to a request: its framing by the HTTP version, its content coding by `Accept-Encoding`. */
export function chooseBodyCoding(request: BodyRequest): BodyCoding {
  const codings = request.httpVersion === "1.1" ? CODINGS.chunked : CODINGS.close;
  return negotiatorFor(request.headers).encoding(["gzip", "identity"]) === "gzip" ? codings.gzip : codings.identity;
}

/** The coding that sends bodies as they are. */
export function withoutCompression({ httpVersion }: Pick<BodyRequest, "httpVersion">): BodyCoding {
  return (httpVersion === "1.1" ? CODINGS.chunked : CODINGS.close).identity;
}

function combine(content: ContentCoding, framing: Framing): BodyCoding {
  const frame = (bytes: Buffer): Buffer => framing.frame(bytes);
  const codingHeader = content.name === "identity" ? [] : [`Content-Encoding: ${content.name}`];
  return {
    name: `${content.name} ${framing.name}`,
    headers: [...framing.headers, ...codingHeader],
    begin: (frames) => frame(Buffer.concat([content.head, content.encode(frames)])),
    encode: (frames) => frame(content.encode(frames)),
    end: (frames) => Buffer.concat([frame(Buffer.concat([content.encode(frames), content.tail])), framing.end]),
  };
}

/** One chunk (RFC 9112, section 7.1). Without bytes there is none: an empty chunk ends the body. */
function chunkOf(bytes: Buffer): Buffer {
  if (bytes.length === 0) return bytes;
  const size = `${bytes.length.toString(16)}\r\n`;
  const chunk = Buffer.allocUnsafe(size.length + bytes.length + 2);
  chunk.write(size, 0, "latin1");
  bytes.copy(chunk, size.length);
  chunk.write("\r\n", size.length + bytes.length, "latin1");
  return chunk;
}
