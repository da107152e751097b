import { Histogram, Registry } from "prom-client";
import { expect, test } from "vitest";
import { Tally } from "./tally.ts";

test("a tally says what a histogram says", async () => {
  const [own, theirs] = [new Registry(), new Registry()];
  const described = { name: "sluice_things_seconds", help: "Things", buckets: [0.1, 1, 5] };
  const tally = new Tally(own, described);
  const histogram = new Histogram({ ...described, registers: [theirs] });
  expect(await own.metrics()).toBe(await theirs.metrics());
  for (const value of [0, 0.1, 0.100_01, 1, 4, 5, 5.1, 1_000]) {
    tally.observe(value, 2);
    for (let times = 0; times < 2; times += 1) histogram.observe(value);
  }
  expect(await own.metrics()).toBe(await theirs.metrics());
});
