import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { EventSource as NpmEventSource } from "eventsource";
import fc from "fast-check";
import { EventSource as UndiciEventSource } from "undici";
import { afterAll, beforeAll, expect, test } from "vitest";
import { amountOf } from "#test/soak/amount.ts";
import { eventOf } from "#test/rigs/event-entry.ts";
import type { EventEntry } from "../event.ts";
import { formatEventId } from "#shared/protocol/event-id.ts";
import { encodeEvent, type FrameFormat } from "./encode-frame.ts";
import { sseFraming } from "./sse-framing.ts";

/** What a client made of the bytes. */
interface Received {
  readonly type: string;
  readonly data: string;
  readonly lastEventId: string;
}

type Frame = { readonly payload: string; readonly format: FrameFormat } | "cursor" | "beat";

const EPOCH = "epoch123";
const END = "end-of-the-test";
/** What a payload could try to pass for. */
const FORGED = ["forged", "ready", "auth_error", "cursor"];

/** Pieces that mean something to a parser, between any other text. */
const piece = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("\r", "\n", "\r\n", "\n\n", "\r\r", "\r\n\r\n", "\n\r") },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      "id: stolen.1.0",
      "id:",
      "event: forged",
      "event:ready",
      "retry: 1",
      "data: more",
      "data",
      ":",
      " ",
      "\0",
      "\uFEFF",
      "\u2028",
      "\u2029",
      "\u0085",
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .array(fc.nat(0x10ffff), { maxLength: 4 })
      .map((characters) => String.fromCodePoint(...characters).toWellFormed()),
  },
);
const payload = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));
const format = fc.record<FrameFormat>({
  body: fc.constantFrom("raw", "cloudevents"),
  naming: fc.constantFrom("message", "named"),
  framing: fc.constant("sse"),
});
const frames = fc.array(fc.oneof(fc.record({ payload, format }), fc.constantFrom("cursor" as const, "beat" as const)), {
  minLength: 1,
  maxLength: 8,
});
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });

let server: Server;
let url: string;
let chunks: readonly Buffer[] = [];

beforeAll(async () => {
  server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    // Each write is a chunk of its own in the body's framing, and so reaches the parser by itself.
    for (const chunk of chunks) response.write(chunk);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
});

test("a payload never forges a field: each frame holds one id, its name and its data", () => {
  fc.assert(
    fc.property(frames, (written) => {
      for (const [index, frame] of written.entries()) {
        if (typeof frame === "string") continue;
        const text = encodeFrame(frame, index).toString();
        const lines = text.split(/\r\n|\r|\n/);
        // One empty line ends the frame, and the split leaves one more behind it: an empty line inside would be another.
        expect(lines.indexOf("")).toBe(lines.length - 2);
        const fields = lines.slice(0, -2).map((line) => line.slice(0, line.indexOf(":")));
        const name = frame.format.naming === "named" ? ["event"] : [];
        expect(fields.slice(0, name.length + 1)).toEqual([...name, "id"]);
        expect(new Set(fields.slice(name.length + 1))).toEqual(new Set(["data"]));
      }
    }),
    { numRuns: amountOf("frames", 1_000) },
  );
});

test.each([
  ["eventsource", receiveByNpm],
  ["undici", receiveByUndici],
] as const)("the parser of %s dispatches what was written and nothing else", async (_, receive) => {
  await fc.assert(
    fc.asyncProperty(frames, cuts, async (written, places) => {
      const bytes = Buffer.concat([...written.map(encodeFrame), Buffer.from(`event: ${END}\ndata: \n\n`)]);
      chunks = split(bytes, places);
      expect(await receive(url)).toEqual(expectedOf(written));
    }),
    { numRuns: 150 },
  );
});

function receiveByNpm(from: string): Promise<Received[]> {
  return collect(new NpmEventSource(from));
}

function receiveByUndici(from: string): Promise<Received[]> {
  return collect(new UndiciEventSource(from));
}

/** Everything a client dispatches until the last frame, under any name that could have been forged. */
async function collect(source: NpmEventSource | UndiciEventSource): Promise<Received[]> {
  const received: Received[] = [];
  const target: EventTarget = source;
  for (const type of ["message", "order.created", ...FORGED]) {
    target.addEventListener(type, (event) => {
      const { data, lastEventId } = event as Event & Received;
      received.push({ type, data, lastEventId });
    });
  }
  try {
    await new Promise((resolve, reject) => {
      target.addEventListener(END, resolve);
      target.addEventListener("error", () => reject(new Error("the stream broke off")));
    });
  } finally {
    source.close();
  }
  return received;
}

function expectedOf(written: readonly Frame[]): Received[] {
  return written.flatMap((frame, index) => {
    if (frame === "beat") return [];
    if (frame === "cursor") return [{ type: "cursor", data: "", lastEventId: idOf(index) }];
    const type = frame.format.naming === "named" ? "order.created" : "message";
    const text = frame.format.body === "raw" ? frame.payload : envelopeOf(frame.payload, index);
    return [{ type, data: text.replaceAll(/\r\n?/g, "\n"), lastEventId: idOf(index) }];
  });
}

/** The envelope as the encoder wrote it, taken out of its frame: what is asked here is what parsers make of it. */
function envelopeOf(text: string, index: number): string {
  const frame = encodeFrame(
    { payload: text, format: { body: "cloudevents", naming: "message", framing: "sse" } },
    index,
  ).toString();
  const lines = frame.split("\n").slice(1, -2);
  return lines.map((line) => line.slice("data: ".length)).join("\n");
}

function encodeFrame(frame: Frame, index: number): Buffer {
  if (frame === "beat") return sseFraming.heartbeat;
  if (frame === "cursor") return sseFraming.encodeControl("cursor", "", { id: idOf(index) });
  return encodeEvent("acme", EPOCH, entryOf(frame.payload, index), frame.format);
}

function idOf(index: number): string {
  return formatEventId(EPOCH, { seq: index + 1, tag: "tag" });
}

function entryOf(text: string, index: number): EventEntry {
  return { ...eventOf(text), position: { seq: index + 1, tag: "tag" }, frames: new Map() };
}
/** Cuts the bytes at random places, also inside of characters and between CR and LF. */
function split(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map((place) => Math.round(place * bytes.length)), bytes.length].toSorted((a, b) => a - b);
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end)).filter((chunk) => chunk.length > 0);
}
