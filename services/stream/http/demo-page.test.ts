import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type DemoPage, loadDemoPage } from "./demo-page.ts";

let page: DemoPage;
let server: Server;
let url: string;

beforeAll(async () => {
  page = await loadDemoPage({ auth: 18_081, policy: 18_082 });
  server = createServer(({ url: path = "" }, response) => page.serve(path, response)).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());

describe("the demo's page", () => {
  test("knows where the other services are", async () => {
    const html = await (await fetch(`${url}/demo`)).text();
    expect(html).toContain('data-auth-port="18081" data-policy-port="18082"');
    expect(html).not.toContain("{{");
  });

  test("finds everything it asks for", async () => {
    const asked = new Set(["/demo"]);
    for (const path of asked) {
      if (!page.has(path)) continue;
      const text = await (await fetch(url + path)).text();
      for (const [, found = ""] of text.matchAll(/(?:src|href|from) ?=?"(\/demo\/[^"]+|\.\/[^"]+)"/g)) {
        asked.add(found.replace(/^\.\//, "/demo/"));
      }
    }
    expect([...asked].filter((path) => !page.has(path))).toEqual([]);
    expect([...asked]).toContain("/demo/services.js");
  });

  test("runs its own scripts and styles alone, and nothing that stands in the page", async () => {
    const response = await fetch(`${url}/demo`);
    const policy = response.headers.get("content-security-policy");
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).toContain("http://*.localhost:18081 http://*.localhost:18082");
    expect(policy).not.toContain("unsafe");
    expect(await response.text()).not.toMatch(/\son\w+=|\sstyle=|<style|<script(?![^>]*\ssrc=)/);
  });

  test("is nothing but the files of its folder", () => {
    const foreign = ["/demo/", "/demo/index.html", "/demo/../main.ts", "/demo/page.test.ts", "/"];
    expect(foreign.filter((path) => page.has(path))).toEqual([]);
  });
});
