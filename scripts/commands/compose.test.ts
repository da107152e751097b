import { expect, test } from "vitest";
import { composeEnvironment } from "./compose.ts";

test("compose is told each port, and with an offset a project of its own", () => {
  expect(composeEnvironment({ NATS_PORT: "" })).toMatchObject({ NATS_PORT: "4222", GRAFANA_PORT: "3000" });
  expect(composeEnvironment({})).not.toHaveProperty("COMPOSE_PROJECT_NAME");
  const moved = composeEnvironment({ SLUICE_PORT_OFFSET: "10000", STREAM_HTTP_PORT: "80", HOME: "/" });
  expect(moved).toMatchObject({ NATS_PORT: "14222", GRAFANA_PORT: "13000", STREAM_HTTP_PORT: "80", HOME: "/" });
  expect(moved["COMPOSE_PROJECT_NAME"]).toBe("sluice-10000");
  expect(composeEnvironment({ SLUICE_PORT_OFFSET: "1", COMPOSE_PROJECT_NAME: "mine" })["COMPOSE_PROJECT_NAME"]).toBe(
    "mine",
  );
});
