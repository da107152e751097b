import { Hono } from "hono";
import { expect, test } from "vitest";
import { z } from "zod";
import { describeCall, jsonAnswer } from "../../services/shared/http/openapi/describe-call.ts";
import { documentOf, walkRoutes } from "./describe-api.ts";

const READ_ORDER = describeCall({
  id: "readOrder",
  tag: "Orders",
  summary: "Reads an order",
  by: ["bearer", "nothing"],
  path: { id: z.string() },
  query: { fresh: z.enum(["true", "false"]), since: z.string() },
  required: ["since"],
  answers: { 200: jsonAnswer("The order.", z.strictObject({ total: z.int() })) },
  errors: ["not_found", "tenant_unknown"],
  example: { path: { id: "42" }, query: { since: "now" }, status: 200 },
});

function apiWith(add: (api: Hono) => void): Hono {
  const api = new Hono();
  api.use((_, next) => next());
  add(api);
  return api;
}

test("a route that says nothing of itself is named, and pages are no calls", () => {
  const { calls, undescribed } = walkRoutes(
    apiWith((api) => {
      api.get("/", describeCall("page"), (c) => c.text("hello"));
      api.get("/v1/orders/:id{[0-9]{1,8}}", READ_ORDER, (c) => c.json({ total: 1 }));
      api.delete("/v1/orders/:id", (c) => c.body(null, 204));
    }),
  );
  expect(undescribed).toEqual(["DELETE /v1/orders/:id"]);
  expect(calls.map(({ method, path }) => `${method} ${path}`)).toEqual(["get /v1/orders/{id}"]);
});

test("a call of a part with its own errors is found, too", () => {
  const part = apiWith((orders) => void orders.get("/:id", READ_ORDER, (c) => c.json({ total: 1 })));
  part.onError((_, c) => c.text("broken"));
  const { calls, undescribed } = walkRoutes(apiWith((api) => void api.route("/v1/orders", part)));
  expect([calls.map(({ path }) => path), undescribed]).toEqual([["/v1/orders/{id}"], []]);
});

test("the document has each refusal under its status, what must be given, the example, and answers that may grow", () => {
  const { calls } = walkRoutes(apiWith((api) => void api.get("/v1/orders/:id", READ_ORDER, (c) => c.json({}))));
  const document = documentOf(calls, { title: "Orders", about: "Orders." });
  const call = document.paths?.["/v1/orders/{id}"]?.get;
  expect(call?.security).toEqual([{ bearer: [] }, {}]);
  expect(call?.parameters).toEqual([
    expect.objectContaining({ name: "id", in: "path", required: true, example: "42" }),
    expect.not.objectContaining({ required: true }),
    expect.objectContaining({ name: "since", in: "query", required: true, example: "now" }),
  ]);
  expect(Object.keys(call?.responses ?? {})).toEqual(["200", "400", "404", "431", "500"]);
  const text = JSON.stringify(call?.responses?.["404"]);
  expect(text).toContain('"enum":["not_found","tenant_unknown"]');
  expect(JSON.stringify(call?.responses?.["200"])).not.toContain("additionalProperties");
});
