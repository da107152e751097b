import { expect, test } from "vitest";
import { socketLimitsOf } from "./socket-limits.ts";

test.each([
  [20_000, { waitingOfOne: 128, waiting: 512, open: 19_808 }],
  [1_024, { waitingOfOne: 104, waiting: 416, open: 832 }],
  [256, { waitingOfOne: 16, waiting: 64, open: 128 }],
  [undefined, { waitingOfOne: 128, waiting: 512, open: Number.POSITIVE_INFINITY }],
])("of %s descriptors HTTP gets what is not reserved", (descriptors, http) => {
  expect(socketLimitsOf(descriptors, ["http"])).toEqual({ http });
});

test("gRPC has a share of its own, which HTTP cannot take", () => {
  expect(socketLimitsOf(1_024, ["http", "grpc"])).toEqual({
    http: { waitingOfOne: 78, waiting: 312, open: 624 },
    grpc: { waitingOfOne: 26, waiting: 104, open: 208 },
  });
});
