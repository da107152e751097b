import { expect, test } from "vitest";
import { eventOf } from "#test/rigs/edge-rig.ts";
import { Batch, type Receiver } from "./batch.ts";

const at = (seq: number) => ({ seq, tag: `t${seq}` });

function receiver(takes = true): Receiver & { readonly got: string[] } {
  const got: string[] = [];
  return { got, write: (coded) => takes && got.push(coded.toString()) > 0 };
}

test("a batch knows to how many each of its events was written, and in how many bytes", () => {
  const [early, gone, late, last] = [receiver(), receiver(false), receiver(), receiver()];
  const [frame, event] = [Buffer.from("one "), eventOf(at(2), "one")];
  const batch = new Batch({ from: at(1), frame, event, encode: (frames) => frames });
  batch.join(late, at(2));
  batch.add(Buffer.from("two "), eventOf(at(3), "two"));
  batch.join(last, at(3));
  for (const each of [early, gone, late]) batch.writeTo(each, 0);
  expect(batch.writeTo(last, 0)).toBe(true);
  expect([early.got, gone.got, late.got, last.got]).toEqual([["one two "], [], ["two "], []]);
  expect([0, 1, 2].map((index) => batch.receiversFrom(index))).toEqual([1, 1, 0]);
  expect([batch.bytes, batch.writtenBytes, batch.events.length]).toEqual([8, 12, 2]);
});
