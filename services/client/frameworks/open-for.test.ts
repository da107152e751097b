import type { StandardSchemaV1 } from "@standard-schema/spec";
import { afterEach, expect, test, vi } from "vitest";
import { waitFor } from "../../../test/support/wait.ts";
import { createFakeEdge } from "../testing/fake-edge.ts";
import { openFor } from "./open-for.ts";

afterEach(() => vi.unstubAllGlobals());

const IGNORED = { onGap: "ignore", onReset: "ignore", onDegraded: "ignore" } as const;

test("a component that throws at an event gets the next one, and its program hears of the error", async () => {
  const edge = createFakeEdge();
  vi.stubGlobal("fetch", edge.fetch);
  const told: unknown[] = [];
  vi.stubGlobal("queueMicrotask", (run: () => void) => {
    void Promise.resolve()
      .then(run)
      .catch((error: unknown) => told.push(error));
  });
  const seen: unknown[] = [];
  const stream = openFor({
    options: () => ({ url: "https://edge.test", topics: ["order.>"], token: "secret", ...IGNORED }),
    onEvent: ({ data }) => {
      seen.push(data);
      if (data === 1) throw new Error("a fault of the component's");
    },
    onState: () => {},
  });
  await edge.opened();
  edge.emit("order.created.1", 1);
  edge.emit("order.created.2", 2);
  await waitFor("both have come", () => seen.length === 2);
  expect([seen, told]).toEqual([[1, 2], [new Error("a fault of the component's")]]);
  stream.close();
});

test("a component that has closed its stream gets nothing that its schema was still about", async () => {
  const edge = createFakeEdge();
  vi.stubGlobal("fetch", edge.fetch);
  const seen: unknown[] = [];
  const checks: (() => void)[] = [];
  const slow: StandardSchemaV1 = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value) => new Promise((resolve) => checks.push(() => resolve({ value }))),
    },
  };
  const stream = openFor({
    options: () => ({
      url: "https://edge.test",
      topics: ["order.>"],
      token: "secret",
      schema: { "order.created": slow },
      onInvalid: "ignore",
      ...IGNORED,
    }),
    onEvent: ({ data }) => seen.push(data),
    onState: () => {},
  });
  await edge.opened();
  edge.emit("order.created.1", 1);
  await waitFor("it is checked", () => checks.length === 1);
  stream.close();
  const all = Array.fromAsync(stream);
  checks[0]?.();
  await all;
  expect(seen).toEqual([]);
});
