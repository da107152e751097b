import { expect, test } from "vitest";
import type { Entry } from "#test/support/checker/ledger.ts";
import { noticedIn, observe } from "./observe.ts";

const opened = (client: string, at: number): Entry => {
  return { of: "opened", client, tenant: "demo", connection: client, at };
};
const received = (client: string, event: string, at: number): Entry => {
  return { of: "received", client, connection: client, event, text: "", at };
};

test("the longest silence is of a client that stays, up to the end of the time", () => {
  const entries = [
    opened("a", 1_000),
    received("a", "message", 1_200),
    received("a", "cursor", 1_900),
    received("a", "message", 2_500),
    received("b", "message", 1_100),
  ];
  expect(observe(entries, 1_000, 3_000)).toMatchObject({ longestSilenceMs: 1_900, silent: "b" });
});

test("who comes and goes on purpose is neither silent nor reconnects, but waits for a stream", () => {
  const entries: Entry[] = [
    opened("hopper", 1_000),
    { of: "refused", client: "hopper", status: 0, at: 1_500 },
    opened("hopper", 1_600),
    received("hopper", "ready", 2_000),
    opened("leaving 1", 1_000),
    received("leaving 1", "auth_error", 2_000),
  ];
  expect(observe(entries, 1_000, 3_000)).toMatchObject({
    longestSilenceMs: 0,
    longestOpeningMs: 1_000,
    reconnects: 0,
    refused: 1,
    authErrors: 0,
  });
});

test("a publisher waits from its first attempt to the acknowledgement, or to the end of the time", () => {
  const published = (text: string, at: number): Entry => ({ of: "published", tenant: "demo", topic: "x.y", text, at });
  const entries: Entry[] = [
    published("a", 1_000),
    { of: "unacknowledged", tenant: "demo", text: "a", at: 1_100 },
    { of: "acknowledged", text: "a", sequence: 1, at: 1_400 },
    published("b", 1_300),
  ];
  expect(observe(entries, 1_000, 2_000)).toMatchObject({ unpublished: 1, longestPublishMs: 700 });
});

test("a fault is noticed where a stream is told of it, or ends", () => {
  const gap = received("a", "gap", 1_300);
  const quiet = [opened("hopper", 1_000), received("a", "message", 1_200), gap];
  expect(noticedIn(observe(quiet, 1_000, 3_000))).toEqual([]);
  const told = [...quiet, received("a", "degraded", 1_400), opened("a", 1_500)];
  expect(noticedIn(observe(told, 1_000, 3_000))).toEqual(["1 degraded", "1 reconnects"]);
});
