import { describe, expect, test } from "vitest";
import { eventAt } from "#test/rigs/event-entry.ts";
import { encodeControl, encodeEvent, type FrameFormat, heartbeatOf } from "../../frames/encode-frame.ts";
import { encodePoll } from "./encode-poll.ts";

const FORMAT: FrameFormat = { body: "raw", naming: "message", framing: "ndjson" };
const CAME_WITH = "epoch-of-log.5.tag";
const POSITION = { id: "epoch-of-log.9.tag" };

const cursor = encodeControl(FORMAT, "cursor", "", POSITION);
const bye = encodeControl(FORMAT, "bye", { reason: "drain", retryMs: 1_000 });
const eventOf = (seq: number, format = FORMAT): Buffer =>
  encodeEvent("acme", "epoch-of-log", { ...eventAt(seq), payload: Buffer.from(`{"id":"forged.${seq}.x"}\n`) }, format);

function read(pieces: readonly Buffer[], cameWith = CAME_WITH) {
  return JSON.parse(encodePoll(pieces, cameWith).toString()) as { frames: Record<string, unknown>[]; next: string };
}

describe("the answer to a poll", () => {
  test("holds each frame as a line of JSON has it, in order, and no heartbeats", () => {
    const pieces = [heartbeatOf(FORMAT), Buffer.concat([eventOf(6), eventOf(7)]), heartbeatOf(FORMAT), bye];
    const { frames } = read(pieces);
    const lines = [eventOf(6), eventOf(7), bye].map((line) => JSON.parse(line.toString()) as unknown);
    expect(frames).toEqual(lines);
  });

  test.each([
    ["its last event", [eventOf(6), eventOf(7)], "epoch-of-log.7.t"],
    ["its last event, which has a name", [eventOf(6, { ...FORMAT, naming: "named" })], "epoch-of-log.6.t"],
    ["a frame of ours behind that", [eventOf(6), cursor], POSITION.id],
    ["the last frame that has an id", [eventOf(6), bye], "epoch-of-log.6.t"],
    ["what the client came with, where nothing has one", [bye], CAME_WITH],
    ["what the client came with, where there is nothing", [], CAME_WITH],
  ])("goes on behind %s", (_, pieces, next) => expect(read(pieces).next).toBe(next));

  test.each(["", "nonsense", '"},{"', `${"e".repeat(32)}.${"1".repeat(200)}.x`])(
    "repeats nothing that is no id: %j",
    (cameWith) => expect(read([], cameWith)).toEqual({ frames: [], next: "" }),
  );
});
