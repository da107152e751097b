import { expect, test } from "vitest";
import { CallLimits, createCallRates } from "./call-limits.ts";
import { SharedCounts } from "#shared/limits/shared-counts.ts";

const ACKS = { acksPerAddressPerMinute: 3, acksPerSubjectPerMinute: 2 };

function createLimits() {
  const clock = { wall: 1_000_000 };
  const settings = { perAddressPerMinute: 2, perSubjectPerMinute: 2, ...ACKS, wall: () => clock.wall };
  return { clock, limits: new CallLimits(createCallRates(new SharedCounts(1), settings), settings) };
}

test("a person may change topics a hundred times in a second, and calls about streams are counted apart", () => {
  const { clock, limits } = createLimits();
  for (let left = 100; left > 0; left -= 1) limits.admitChange("acme", "alice");
  expect(() => limits.admitChange("acme", "alice")).toThrow("too many changes of yours within a second");
  limits.admitChange("acme", "bob");
  limits.admitSubject("acme", "alice", undefined);
  clock.wall += 1_000;
  limits.admitChange("acme", "alice");
});

test("so may an address five hundred times; one of this host counts nothing", () => {
  const { limits } = createLimits();
  for (let left = 500; left > 0; left -= 1) limits.admitChangeOfAddress("192.0.2.1");
  expect(() => limits.admitChangeOfAddress("192.0.2.1")).toThrow("too many changes from your network within a second");
  for (let left = 501; left > 0; left -= 1) limits.admitChangeOfAddress(undefined);
  limits.admitAddress("192.0.2.1");
});

test("acknowledgements have limits of their own, of a person and of an address", () => {
  const { limits } = createLimits();
  for (let left = 2; left > 0; left -= 1) limits.admitAck("acme", "alice");
  expect(() => limits.admitAck("acme", "alice")).toThrow("too many acknowledgements of yours within a minute");
  limits.admitSubject("acme", "alice", undefined);
  for (let left = 3; left > 0; left -= 1) limits.admitAckOfAddress("192.0.2.1");
  expect(() => limits.admitAckOfAddress("192.0.2.1")).toThrow("too many acknowledgements from your network");
  for (let left = 4; left > 0; left -= 1) limits.admitAckOfAddress(undefined);
});
