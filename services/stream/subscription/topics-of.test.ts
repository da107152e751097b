import { expect, test } from "vitest";
import { parseSubscription } from "./parse-subscription.ts";
import { topicsOf } from "./topics-of.ts";

const routes: Record<string, string[]> = {
  "/orders/42": ["order.*.42", "order.*"],
  "/orders": ["order.*"],
  "/many": Array.from({ length: 99 }, (_, index) => `many.t${index}`),
};

const ask = (query: string) =>
  topicsOf(parseSubscription(new URLSearchParams(query), undefined, "sse"), "acme", async (tenant, path) =>
    tenant === "acme" ? (routes[path] ?? []) : [],
  );

test("resources stand for the topics of their routes, beside the topics that are asked for", async () => {
  expect(await ask("resource=/orders/42&resource=/orders&topic=invoice.*")).toEqual([
    "invoice.*",
    "order.*",
    "order.*.42",
  ]);
});

test("topics alone ask nobody", async () => {
  const nobody = () => Promise.reject(new Error("not to be asked"));
  const subscription = parseSubscription(new URLSearchParams("topic=order.*"), undefined, "sse");
  expect(await topicsOf(subscription, "acme", nobody)).toEqual(["order.*"]);
});

test("a resource that no route has is refused by its place, not by what it holds", async () => {
  const error = await ask("resource=/orders&resource=/<script>").catch((thrown: unknown) => thrown as Error);
  expect(error).toMatchObject({ code: "resource_unknown", message: expect.stringContaining("resource 2") });
  expect((error as Error).message).not.toContain("script");
});

test("resources may stand for 100 topics, and not for 101", async () => {
  expect(await ask("resource=/many&topic=one.more")).toHaveLength(100);
  await expect(ask("resource=/many&resource=/orders/42")).rejects.toMatchObject({ code: "malformed_topic" });
});
