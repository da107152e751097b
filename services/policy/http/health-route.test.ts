import { Hono } from "hono";
import { expect, test } from "vitest";
import { AppError, toAppError } from "#shared/errors/app-error.ts";
import { addHealthRoute } from "./health-route.ts";

const reasons = async () => [{ code: "log_unusable", detail: "NATS is away" }] as const;
const settings = { environment: { POLICY_OPERATOR_TOKEN: "***" }, demo: {}, default: { LOG_LEVEL: "info" } };
const others = [{ name: "edge-1", fault: "the connection is refused" }];

function serve(): Hono {
  const api = new Hono();
  const authorize = {
    operators: { operatorOf: (token: string) => (token === "right" ? "operator" : undefined) },
    guesses: { waitSeconds: async () => 0, note: async () => undefined },
    addressOf: () => "192.0.2.1",
    verify: () => Promise.reject(new AppError("token_invalid", "no")),
  };
  addHealthRoute(api, authorize, { reasons, settings, askOthers: async () => others });
  api.onError((error, c) => c.json({ code: toAppError(error).code }, 401));
  return api;
}

const ask = async (token: string) => serve().request("/v1/health", { headers: { authorization: `Bearer ${token}` } });

test("an operator sees why policy takes no work, and its settings by their source, and the other processes", async () => {
  const answer = await ask("right");
  expect(await answer.json()).toMatchObject({ reasons: [{ code: "log_unusable" }], settings, others });
});

test("nobody else does", async () => {
  expect(await (await ask("wrong")).json()).toEqual({ code: "token_invalid" });
});
