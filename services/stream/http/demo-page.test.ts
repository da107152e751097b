import { Hono } from "hono";
import { beforeAll, describe, expect, test } from "vitest";
import { addDemoPage, loadDemoPage } from "./demo-page.ts";

let page: Hono;
let paths: readonly string[];

beforeAll(async () => {
  const loaded = await loadDemoPage({ auth: 18_081, policy: 18_082, nats: 14_222 });
  page = new Hono();
  addDemoPage(page, loaded);
  paths = [...loaded.files.keys()];
});

describe("the demo's page", () => {
  test("knows where the other services are", async () => {
    const html = await (await page.request("/demo")).text();
    expect(html).toContain('data-auth-port="18081" data-policy-port="18082"');
    expect(html).not.toContain("{{");
  });

  test("finds everything it asks for", async () => {
    const asked = new Set(["/demo"]);
    for (const path of asked) {
      if (!paths.includes(path)) continue;
      const text = await (await page.request(path)).text();
      for (const [, found = ""] of text.matchAll(/(?:src|href|from) ?=?"(\/demo\/[^"]+|\.\/[^"]+)"/g)) {
        asked.add(found.replace(/^\.\//, "/demo/"));
      }
    }
    expect([...asked].filter((path) => !paths.includes(path))).toEqual([]);
    expect([...asked]).toContain("/demo/services.js");
  });

  test("runs its own scripts and styles alone, and nothing that stands in the page", async () => {
    const response = await page.request("/demo");
    const policy = response.headers.get("content-security-policy");
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).toContain("http://*.localhost:18081 http://*.localhost:18082");
    expect(policy).not.toContain("unsafe");
    expect(await response.text()).not.toMatch(/\son\w+=|\sstyle=|<style|<script(?![^>]*\ssrc=)/);
  });

  test.each(["/demo/", "/demo/index.html", "/demo/../main.ts", "/demo/page.test.ts", "/"])(
    "is nothing but the files of its folder: not %s",
    async (path) => expect((await page.request(path)).status).toBe(404),
  );
});
