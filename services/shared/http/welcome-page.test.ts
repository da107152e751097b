import { expect, test } from "vitest";
import { answerWelcome } from "./welcome-page.ts";

const WELCOME = { name: "Sluice: a test", about: "It tests.", links: [{ href: "/healthz", text: "it lives" }] };

test.each([
  ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"],
  ["application/json;q=0.5, text/html", "text/html; charset=utf-8"],
  ["text/*", "text/html; charset=utf-8"],
  ["text/html;q=0, */*", "application/json"],
  ["application/json, text/html;q=0.9", "application/json"],
  ["*/*", "application/json"],
  ["image/png", "application/json"],
  ["application/x-text/html", "application/json"],
  ["", "application/json"],
  [undefined, "application/json"],
])("whoever accepts %j gets %s", (accept, type) => {
  const { headers } = answerWelcome(WELCOME, accept);
  expect(headers).toMatchObject({ "content-type": type, vary: "accept" });
});
