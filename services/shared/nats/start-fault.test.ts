import { JetStreamApiError } from "@nats-io/jetstream";
import { errors } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import { BootError } from "#shared/config/read-config.ts";
import { startFault } from "./start-fault.ts";

const apiError = (err_code: number) => new JetStreamApiError({ code: 503, err_code, description: "so" });

test.each([
  ["no leader answers", new errors.TimeoutError()],
  ["nobody is there", new errors.NoRespondersError("$JS.API.INFO")],
  ["JetStream is not available", apiError(10_008)],
  ["too few servers are there for the replicas", apiError(10_005)],
])("a start that fails because %s is tried again", (_, error) => {
  expect(startFault(error, "what to do")).toMatchObject({ code: "unavailable", message: "what to do", cause: error });
});

test.each([
  ["replicas need a cluster", apiError(10_074)],
  ["something else is wrong", new Error("no")],
])("a start that fails because %s is over", (_, error) => {
  expect(startFault(error, "what to do")).toEqual(new BootError("what to do"));
});
