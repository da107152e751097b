import { test } from "vitest";
import { silentObserver } from "#test/rigs/silent-observer.ts";
import { waitFor } from "#test/support/wait.ts";
import { PresenceSources } from "./presence-sources.ts";

test("a tenant that has ten thousand topics watched leaves room for those of others", async () => {
  const told = new Set<string>();
  using sources = new PresenceSources({
    hub: { streams: () => [], tenant: () => undefined, changes: 0 },
    invisible: { has: () => false },
    wallOf: (ms) => ms,
    workerId: "w1",
    now: () => performance.now(),
    peers: { publish: ({ tenant, topic }) => void told.add(`${tenant} ${topic}`) },
    applyHere: () => {},
    figures: { sent: () => {} },
    observer: silentObserver(),
  });
  for (let n = 0; n < 10_000; n += 1) sources.want({ tenant: "greedy", topic: `order.${n}`, known: {} });
  sources.want({ tenant: "modest", topic: "order.*", known: {} });
  await waitFor("the topics are told of", () => told.has("greedy order.0"));
  await waitFor("the other tenant's, too", () => told.has("modest order.*"));
});
