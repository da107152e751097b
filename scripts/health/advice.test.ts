import { expect, test } from "vitest";
import { adviceFor } from "./advice.ts";
import type { Part, PartHealth } from "./service-health.ts";

const parts = (faults: Partial<Record<Part, string>>): PartHealth[] =>
  (["bus", "policy", "auth", "publish", "stream"] as const).map((part) => {
    const fault = faults[part];
    return { part, at: "here", ...(fault !== undefined && { fault }) };
  });

test.each<[Part, Partial<Record<Part, string>>, Part]>([
  ["stream", {}, "stream"],
  ["stream", { publish: "does not answer" }, "stream"],
  ["stream", { policy: "does not answer", stream: "not ready: log_unusable" }, "policy"],
  ["stream", { policy: "does not answer", stream: "does not answer" }, "stream"],
  ["publish", { auth: "not ready: redis_unusable", bus: "does not answer", publish: "not ready: x" }, "bus"],
  ["publish", { auth: "not ready: redis_unusable" }, "auth"],
  ["auth", { policy: "does not answer" }, "auth"],
])("what fails at %s while %j is looked at in %s", (failedAt, faults, part) => {
  expect(adviceFor(failedAt, parts(faults)).part).toBe(part);
});
