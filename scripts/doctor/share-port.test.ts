import { expect, test } from "vitest";
import { shareFinding, sharePortFindings } from "./share-port.ts";

test("connections that are dealt out unevenly are found, from less than a quarter on", () => {
  expect(shareFinding([30, 90])).toMatchObject({ check: "workers", level: "ok" });
  expect(shareFinding([91, 29])).toMatchObject({ check: "workers", level: "warn" });
});

test.runIf(process.platform === "linux")("this kernel deals them out evenly", async () => {
  expect(await sharePortFindings()).toMatchObject([{ check: "workers", level: "ok" }]);
});
