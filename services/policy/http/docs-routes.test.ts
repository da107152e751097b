import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { Hono } from "hono";
import { afterAll, beforeAll, expect, test } from "vitest";
import { addDocs } from "./docs-routes.ts";

let folder: string;
let api: Hono;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-docs-"));
  await mkdir(join(folder, "pages", "assets"), { recursive: true });
  await writeFile(join(folder, "pages", "index.html"), "the index");
  await writeFile(join(folder, "pages", "start.html"), "start");
  await writeFile(join(folder, "pages", "start.html.gz"), gzipSync("start"));
  await writeFile(join(folder, "pages", "assets", "docs-a1.js"), "script");
  await writeFile(join(folder, "secret.txt"), "not a page");
  api = new Hono();
  api.onError((_, c) => c.text("none", 404));
  addDocs(api, pathToFileURL(`${join(folder, "pages")}/`));
});
afterAll(() => rm(folder, { recursive: true }));

test.each([
  ["/docs/", "the index"],
  ["/docs/start", "start"],
  ["/docs/assets/docs-a1.js", "script"],
])("%s is there", async (path, text) => {
  expect(await (await api.request(path)).text()).toBe(text);
});

test("/docs leads to /docs/, by which the pages' links are read", async () => {
  const answer = await api.request("/docs");
  expect([answer.status, answer.headers.get("location")]).toEqual([308, "/docs/"]);
});

test("a page runs nothing but its own script, and is asked for again each time; a script is kept for good", async () => {
  const encoding = { "accept-encoding": "gzip" };
  const page = await api.request("/docs/start", { headers: encoding });
  expect(page.headers.get("content-encoding")).toBe("gzip");
  expect(page.headers.get("content-security-policy")).toMatch(
    /^default-src 'none'; script-src 'self'; style-src 'self';/,
  );
  expect(page.headers.get("content-security-policy")).not.toContain("unsafe");
  expect(page.headers.get("cache-control")).toBe("no-cache");
  const headers = { ...encoding, "if-none-match": page.headers.get("etag") ?? "" };
  expect((await api.request("/docs/start", { headers })).status).toBe(304);
  expect((await api.request("/docs/assets/docs-a1.js")).headers.get("cache-control")).toContain("immutable");
});

test.each([
  "/docs/none",
  "/docs/start.html.gz",
  "/docs/../secret.txt",
  "/docs/..%2fsecret.txt",
  "/docs/%2e%2e/secret.txt",
])("%s is not found", async (path) => {
  expect((await api.request(path)).status).toBe(404);
});

test("pages that are built, and built again, while policy runs are there", async () => {
  const later = new Hono();
  later.onError((_, c) => c.text("none", 404));
  addDocs(later, pathToFileURL(`${join(folder, "later")}/`));
  expect((await later.request("/docs/")).status).toBe(404);
  await mkdir(join(folder, "later"));
  await writeFile(join(folder, "later", "index.html"), "there");
  expect(await (await later.request("/docs/")).text()).toBe("there");
  await mkdir(join(folder, "again"));
  await writeFile(join(folder, "again", "other.html"), "another");
  await rename(join(folder, "later"), join(folder, "former"));
  await rename(join(folder, "again"), join(folder, "later"));
  expect(await (await later.request("/docs/other")).text()).toBe("another");
});
