import { expect, test } from "vitest";
import { Reconnects } from "./reconnects.ts";

const MINUTE_MS = 60_000;
const ANN = { tenant: "acme", subject: "ann", clientId: "tab-1", sid: "s-1" };

test("a client that opened one stream has not come back; each further one counts for an hour", () => {
  const clock = { now: 0 };
  const reconnects = new Reconnects(() => clock.now);
  reconnects.count(ANN);
  expect(reconnects.lastHour(ANN)).toBe(0);
  for (let n = 0; n < 10; n += 1) reconnects.count(ANN);
  expect(reconnects.lastHour(ANN)).toBe(10);
  clock.now = 90 * MINUTE_MS;
  reconnects.count(ANN);
  // Half of the eleven before, as if they had been opened evenly, and the one of now beside the first.
  expect(reconnects.lastHour(ANN)).toBe(6);
  clock.now = 300 * MINUTE_MS;
  expect(reconnects.lastHour(ANN)).toBe(0);
});

test("clients are told apart by their ids, and by their sessions where they have none", () => {
  const reconnects = new Reconnects(() => 0);
  for (let n = 0; n < 3; n += 1) reconnects.count(ANN);
  expect(reconnects.lastHour({ ...ANN, sid: "s-2" })).toBe(2);
  expect(reconnects.lastHour({ ...ANN, clientId: "tab-2" })).toBe(0);
  expect(reconnects.lastHour({ ...ANN, tenant: "other" })).toBe(0);
  const plain = { ...ANN, clientId: undefined };
  for (let n = 0; n < 3; n += 1) reconnects.count(plain);
  expect(reconnects.lastHour(plain)).toBe(2);
  expect(reconnects.lastHour({ ...plain, sid: "s-2" })).toBe(0);
});
