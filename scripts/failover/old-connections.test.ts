import { expect, test } from "vitest";
import { waitUntilEnded } from "./old-connections.ts";

test("a region that does not say who is connected counts as one where somebody is", async () => {
  async function* silence() {}
  const bus = { region: "eu", nats: { requestMany: async () => silence() } };
  await expect(waitUntilEnded(bus, [], 0)).rejects.toThrow("no server of region eu says who is connected");
});
