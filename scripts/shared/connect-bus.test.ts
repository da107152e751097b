import { expect, test } from "vitest";
import { connectBus } from "./connect-bus.ts";

test("who finds no bus on this machine is told how the demo is started", async () => {
  await expect(connectBus("policy", { NATS_URL: "nats://policy:x@127.0.0.1:9" })).rejects.toThrow(
    "; npm start starts the demo; NATS_URL says where it is, with the user of policy",
  );
});
