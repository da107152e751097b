import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { createFakeEnvironment } from "../../../test/rigs/fake-environment.ts";
import { RegionChoice } from "./region-choice.ts";
import { createRegionEnvironment } from "./region-environment.ts";

const EDGE = "https://eu.test";

test("polls that share one signal leave nothing behind there, and the last one ends with it", async () => {
  const signals: (AbortSignal | null | undefined)[] = [];
  const own = createFakeEnvironment({
    async fetch(_url, { signal }) {
      signals.push(signal);
      return new Response("{}");
    },
  });
  const environment = createRegionEnvironment(own, new RegionChoice([EDGE], own));
  const road = new AbortController();
  for (let poll = 0; poll < 10; poll += 1) await environment.fetch(`${EDGE}/v1/poll?wait=25`, { signal: road.signal });
  expect(getEventListeners(road.signal, "abort")).toHaveLength(1);
  road.abort();
  expect(signals.at(-1)?.aborted).toBe(true);
});
