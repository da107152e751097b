import type { StreamInfo } from "@nats-io/jetstream";
import { expect, test } from "vitest";
import { hasQuorum } from "./inspect-log.ts";

test.each([
  { of: 1, leader: undefined, heardAgo: [], isTrusted: true },
  { of: 3, leader: "me", heardAgo: [0.5, 0.9], isTrusted: true },
  { of: 3, leader: "me", heardAgo: [0.5, 9], isTrusted: true },
  { of: 3, leader: "me", heardAgo: [3.4, 9], isTrusted: true },
  { of: 3, leader: "me", heardAgo: [3.5, 9], isTrusted: false },
  { of: 3, leader: "me", heardAgo: [], isTrusted: false },
  { of: 5, leader: "me", heardAgo: [1, 9, 9, 9], isTrusted: false },
  { of: 5, leader: "me", heardAgo: [1, 1, 9, 9], isTrusted: true },
  // A follower that is cut off answers too: it names no leader, and calls all replicas active.
  { of: 3, leader: undefined, heardAgo: [0, 0, 0], isTrusted: false },
])("a log of $of replicas, leader $leader, others heard of $heardAgo s ago: $isTrusted", (at) => {
  const replicas = at.heardAgo.map((ago, index) => ({
    name: `n${index}`,
    current: true,
    offline: false,
    active: ago * 1e9,
  }));
  const cluster = { name: "c", replicas, ...(at.leader === undefined ? {} : { leader: at.leader }) };
  expect(hasQuorum({ config: { num_replicas: at.of }, cluster } as unknown as StreamInfo)).toBe(at.isTrusted);
});
