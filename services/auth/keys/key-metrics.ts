import { gaugeWhenRead } from "#shared/metrics/counted-when-read.ts";
import type { Registry } from "prom-client";
import type { Clock } from "#shared/time/clock.ts";
import { type KeyRing, publishedKeys } from "./key-ring.ts";

/** Reports the age of each key, and whether the stored ring can be used, when metrics are read. */
export function addKeyMetrics(
  registry: Registry,
  followed: { readonly ring: KeyRing; readonly fault: string | undefined },
  clock: Clock,
): void {
  const age = {
    name: "sluice_auth_key_age_seconds",
    help: "How long ago each key was published.",
    labelNames: ["kid" as const, "state" as const],
  };
  gaugeWhenRead(registry, age, (gauge) => {
    for (const { state, key } of publishedKeys(followed.ring)) {
      gauge.set({ kid: key.kid, state }, (clock.wall() - key.publishedAt) / 1000);
    }
  });
  const faulty = {
    name: "sluice_auth_key_ring_faulty",
    help: "1 while the stored ring of keys cannot be read or used, and the last good one stays in force.",
  };
  gaugeWhenRead(registry, faulty, (gauge) => gauge.set(followed.fault === undefined ? 0 : 1));
}
