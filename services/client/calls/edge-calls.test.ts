import { expect, test } from "vitest";
import { createFakeEnvironment } from "../../../test/rigs/fake-environment.ts";
import { Credentials } from "../credentials/credentials.ts";
import { EdgeCalls } from "./edge-calls.ts";
import { ProblemError } from "./problem-error.ts";

const url = "https://edge.test";

/** Calls that are all answered so. */
function callsTo(answer: () => Response): EdgeCalls {
  const environment = createFakeEnvironment({ fetch: async () => answer() });
  return new EdgeCalls(url, environment, new Credentials({ url, token: "secret" }, environment));
}

test.each([
  ["the login page of a network", () => new Response("<!doctype html>", { headers: { "content-type": "text/html" } })],
  [
    "an answer that breaks off",
    () => new Response(new ReadableStream({ pull: (body) => body.error(new TypeError("the connection was cut")) })),
  ],
])("%s is a problem of its own, not an error of JSON", async (_, answer) => {
  const failed = callsTo(answer).call("/v1/events", { body: {} });
  await expect(failed).rejects.toBeInstanceOf(ProblemError);
  await expect(failed).rejects.toMatchObject({ code: "unavailable", status: 200 });
});

test("a body that is no JSON is the caller's fault, not an edge that is away", async () => {
  const calls = callsTo(() => Response.json({}));
  await expect(calls.call("/v1/events", { body: { data: 1n } })).rejects.toThrow(TypeError);
});
