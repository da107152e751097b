import { expect, test } from "vitest";
import { messageIdOf, requireDistinct } from "./event-ids.ts";
import type { PublishedEvent } from "./published-event.ts";

const event: PublishedEvent = {
  id: "1",
  topic: "order.created.42",
  type: "order.created",
  payload: Buffer.from("{}"),
  attributes: { id: "1", source: "/shop" },
  traceparent: undefined,
};

test("an event is known again by its publisher, topic, source and id together, and by nothing else", () => {
  const others = [
    messageIdOf("bob", event),
    messageIdOf("ann", { ...event, id: "2" }),
    messageIdOf("ann", { ...event, topic: "order.created.43" }),
    messageIdOf("ann", { ...event, attributes: { source: "/other" } }),
    messageIdOf("ann", { ...event, attributes: {} }),
  ];
  expect(new Set([messageIdOf("ann", event), ...others]).size).toBe(6);
  expect(messageIdOf("ann", { ...event, payload: Buffer.from("[]"), traceparent: "x" })).toBe(
    messageIdOf("ann", event),
  );
});

test("a batch holds each event once", () => {
  requireDistinct("ann", [event, { ...event, topic: "order.created.43" }]);
  expect(() => requireDistinct("ann", [event, { ...event, id: "2" }, event])).toThrow("events[2]: this id and topic");
});
