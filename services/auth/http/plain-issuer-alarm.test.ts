import { Hono } from "hono";
import { expect, test } from "vitest";
import { createPlainIssuerAlarm } from "./plain-issuer-alarm.ts";

async function linesOf(issuer: string, ...origins: readonly string[]): Promise<string[]> {
  const lines: string[] = [];
  const alarm = createPlainIssuerAlarm(issuer, { write: (_level, kind) => void lines.push(kind) });
  const api = new Hono().get("/", (c) => {
    alarm(c);
    return c.body(null, 204);
  });
  for (const origin of origins) await api.request("/", { headers: origin === "" ? {} : { origin } });
  return lines;
}

test("a page on https that logs in at an issuer on http is told once, and no other", async () => {
  expect(await linesOf("http://localhost:8081", "https://app.example", "https://app.example")).toEqual([
    "plain_issuer",
  ]);
  expect(await linesOf("http://localhost:8081", "", "http://localhost:8080", "capacitor://localhost")).toEqual([]);
  expect(await linesOf("https://app.example", "https://app.example")).toEqual([]);
});
