import { expect, test } from "vitest";
import { natsVersionFinding } from "./nats-version.ts";

test.each([
  ["2.11.9", undefined, "fail"],
  ["2.12.0", undefined, "ok"],
  ["2.9.25", undefined, "fail"],
  ["3.0.0", undefined, "ok"],
  ["2.15.2", undefined, "ok"],
  ["2.14.10", "eu", "warn"],
  ["2.15.2", "eu", "warn"],
  ["2.15.3", "eu", "ok"],
  ["2.16.0-RC.1", "eu", "ok"],
])("nats-server %s in region %s: %s", (version, domain, level) => {
  expect(natsVersionFinding(version, domain)).toMatchObject({ level, found: `nats-server ${version}` });
});
