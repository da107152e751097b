import type { StreamInfo } from "@nats-io/jetstream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AUTH_STREAMS, SEAT_STREAM } from "#shared/contract/home.ts";
import { type Regions, startRegions } from "#test/support/start-regions.ts";
import type { Bus } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";

let regions: Regions;
let eu: Bus;
let us: Bus;

beforeAll(async () => {
  regions = await startRegions({ producersInUs: ["demo"] });
  eu = await regions.bus("eu", "eu", "policy");
  us = await regions.bus("us", "eu", "policy");
}, 60_000);
afterAll(() => regions[Symbol.asyncDispose]());

test("every stream of a home has a mirror in the other region", async () => {
  const listed = async (bus: Bus) => (await (await bus.manager()).streams.names().next()).toSorted();
  const originals = await listed(eu);
  expect(originals).toEqual(expect.arrayContaining([...AUTH_STREAMS, SEAT_STREAM, "EVENTS_demo", "EVENTS_rival"]));
  await waitFor("each has a mirror", async () => (await listed(us)).join() === originals.join(), 20_000);
});
