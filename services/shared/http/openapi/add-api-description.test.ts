import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createApiServer, createJsonApi } from "../json-api.ts";
import { SocketBudget } from "../socket-budget.ts";
import { OPS_LIMITS } from "../socket-limits.ts";
import { apiPage, type ShownDocument } from "./api-page.ts";

const ORIGIN = "https://app.example";
const FILE = new URL("../../../../docs/reference/openapi/auth.json", import.meta.url);

let server: ReturnType<typeof createApiServer>;
let url: string;

beforeAll(async () => {
  const log = { write: () => undefined, [Symbol.dispose]: () => undefined };
  const welcome = { name: "Sluice: auth", about: "It logs people in.", links: [] };
  const limits = { maxBodyBytes: 1, allowedOrigins: [ORIGIN] };
  const api = createJsonApi({ ...limits, welcome, describedFor: "auth" }, log);
  server = createApiServer(api, new SocketBudget(OPS_LIMITS)).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

const ask = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${url}${path}`, { headers });

test("a service answers the document that is checked in, and pages of its origins may read it", async () => {
  const answer = await ask("/openapi.json", { origin: ORIGIN });
  expect(answer.headers.get("content-type")).toBe("application/json");
  expect(answer.headers.get("access-control-allow-origin")).toBe(ORIGIN);
  expect(await answer.json()).toEqual(JSON.parse(await readFile(FILE, "utf8")));
});

test("its page shows every call, and may run and load nothing", async () => {
  const answer = await ask("/openapi");
  expect(answer.headers.get("content-security-policy")).toMatch(
    /^default-src 'none'; style-src 'sha256-[^']+'; base-uri 'none'/,
  );
  const html = await answer.text();
  const { paths } = JSON.parse(await readFile(FILE, "utf8")) as ShownDocument;
  const calls = Object.values(paths).flatMap((methods) => Object.values(methods));
  expect(calls.filter(({ operationId }) => !html.includes(`id="${operationId}"`))).toEqual([]);
  expect(html).not.toContain("<script");
});

test("the page at its root leads there", async () => {
  const { links } = (await (await ask("/")).json()) as { links: object };
  expect(links).toHaveProperty("/openapi");
});

test("what a document says is text on the page, whatever characters it has", () => {
  const html = apiPage({
    info: { title: "<b>", version: "1", description: '"&' },
    tags: [{ name: "<i>" }],
    paths: {
      "/<u>": {
        get: {
          operationId: "x",
          tags: ["<i>"],
          summary: "<s>",
          security: [],
          responses: { 200: { description: "<p>" } },
        },
      },
    },
    components: {},
  });
  expect(html).not.toMatch(/<[ius]>/);
  expect(html).toContain("&lt;s&gt;");
  expect(html).toContain("&quot;&amp;");
});
