import { expect, test } from "vitest";
import { connectionOptionsOf, natsUrlOfService } from "./nats-url.ts";

const CLUSTER = "127.0.0.1:4222,127.0.0.1:4223,broker.example";

test("a command takes the servers of a cluster as the services do, each with the user or none", () => {
  const servers = ["127.0.0.1:4222", "127.0.0.1:4223", "broker.example:4222"];
  const named = natsUrlOfService("auth", { NATS_URL: `nats://auth:s%40cret@${CLUSTER}` });
  expect(connectionOptionsOf(named)).toEqual({ servers, user: "auth", pass: "s@cret" });
  const unnamed = natsUrlOfService("auth", { NATS_URL: `tls://${CLUSTER}`, NATS_AUTH_PASSWORD: "p/w" });
  expect(connectionOptionsOf(unnamed)).toEqual({ servers, user: "auth", pass: "p/w", tls: {} });
});
