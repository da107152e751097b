import { chromium, haproxy, nginx, type Program } from "../../scripts/provision/programs.ts";

/** A test of the suite with more to do. */
export interface Soak {
  /** The test asks for its amount by this name. */
  readonly name: string;
  readonly file: string;
  /** What the amount counts. */
  readonly unit: string;
  readonly amount: number;
  /** What a minute is enough for, about, on two cores that do nothing else. */
  readonly perMinute: number;
  /** The programs that it runs beside the servers. */
  readonly programs: readonly Program[];
}

/** What `npm run soak` runs, in this order. */
export const SOAKS: readonly Soak[] = [
  soak("names", "test/hardening/name-collisions.test.ts", "pairs of names", 10_000_000, 4_000_000),
  soak("policies", "services/policy/decide/lint.property.test.ts", "policies and changes of them", 20_000, 4_000),
  soak("frames", "services/stream/frames/encode-frame.property.test.ts", "lists of frames", 500_000, 100_000),
  soak("keys", "services/auth/keys/key-ring.test.ts", "histories of a ring of keys", 20_000, 5_000),
  soak("oracle", "test/integration/oracle.test.ts", "decisions", 1_000_000, 150_000),
  soak("refresh-races", "services/auth/refresh-races.test.ts", "rounds of 64 refreshes", 2_000, 600),
  soak("new-enemy", "test/integration/new-enemy.test.ts", "removals of a role", 10_000, 8_000),
  soak("hand-over", "test/integration/hand-over.test.ts", "deliveries", 1_600_000, 500_000),
  soak("reconnect-storm", "test/integration/reconnect-storm.test.ts", "clients", 10_000, 10_000),
  soak("drain", "test/integration/draining.test.ts", "clients of an edge that stops", 5_000, 10_000),
  soak("churn", "test/integration/churn.test.ts", "events under churn", 60_000, 12_000),
  soak("roam", "test/integration/region-edges.test.ts", "moves of clients between two regions", 2_000, 200),
  soak("region-cuts", "test/soak/region-cuts.test.ts", "rounds of cuts and delays of the link of two regions", 3, 1),
  soak("topics", "test/integration/dynamic-topics.test.ts", "changes of topics", 20_000, 3_500),
  soak("durable", "test/integration/durable-faults.test.ts", "steps with a durable subscription", 2_000, 300),
  soak("erasure", "test/integration/erasure-under-load.test.ts", "rounds of erasures", 200, 40),
  soak("region-walk", "test/integration/region-walk.test.ts", "steps of two regions", 1_000, 100),
  soak("mirror-of-three", "test/soak/mirror-of-three.test.ts", "mirrors made on three servers", 20, 20),
  soak("region-drill", "test/soak/region-drill.test.ts", "promotions and losses of a home, twice", 5, 1),
  soak("regions", "test/integration/regions.test.ts", "cuts and restarts of two regions", 18, 3),
  soak("apis", "test/soak/apis.test.ts", "cases for each call", 500, 20),
  soak("client-nights", "test/e2e/installed-client.test.ts", "freezes and wakes of tabs", 2_000, 400, [
    chromium,
    nginx,
  ]),
  soak("breaker", "test/integration/failing-road.test.ts", "clients beside a road that fails", 200, 100, [nginx]),
  soak("chaos", "test/soak/chaos.test.ts", "seconds of faults on each stack", 600, 20, [haproxy]),
  soak("slow-bus", "services/stream/bus/feed.test.ts", "ms for a round trip", 8_000, 8_000),
];

function soak(
  name: string,
  file: string,
  unit: string,
  amount: number,
  perMinute: number,
  programs: readonly Program[] = [],
): Soak {
  return { name, file, unit, amount, perMinute, programs };
}
