import { afterEach, expect, test, vi } from "vitest";
import { waitFor } from "../../../test/support/wait.ts";
import { createFakeEdge } from "../testing/fake-edge.ts";
import { openFor } from "./open-for.ts";

afterEach(() => vi.unstubAllGlobals());

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
  const ignored = { onGap: "ignore", onReset: "ignore", onDegraded: "ignore" } as const;
  const stream = openFor({
    options: () => ({ url: "https://edge.test", topics: ["order.>"], token: "secret", ...ignored }),
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
