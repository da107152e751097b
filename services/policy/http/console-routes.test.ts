import { Hono } from "hono";
import { expect, test } from "vitest";
import { addConsole } from "./console-routes.ts";
import type { BuiltConsole } from "./load-console.ts";

const bytes = (text: string): Buffer<ArrayBuffer> => Buffer.from(text);
const script = { type: "text/javascript; charset=utf-8", etag: '"e1"', body: bytes("plain") };
const built: BuiltConsole = {
  page: '<meta content="{{SETTINGS}}" />',
  files: new Map([["index-a1.js", { ...script, br: bytes("br"), gzip: bytes("gzip") }]]),
};

function serve(config: {
  issuer?: string;
  publish?: string;
  demo?: "0" | "1";
  load?: () => Promise<BuiltConsole | undefined>;
}): Hono {
  const { issuer = "https://auth.test/a", publish, demo = "0", load = async () => built } = config;
  const api = new Hono();
  addConsole(
    api,
    { AUTH_ISSUER: issuer, POLICY_PUBLISH_URL: publish, SLUICE_DEMO: demo, STREAM_HTTP_PORT: 8080 },
    load,
  );
  return api;
}

test.each(["/console", "/console/", "/console/why?subject=a"])("the page is at %s, and never kept", async (path) => {
  const answer = await serve({}).request(path);
  expect(answer.status).toBe(200);
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(await answer.text()).toBe('<meta content="{&quot;authUrl&quot;:&quot;https://auth.test/a&quot;}" />');
});

test("the page runs its own files, talks to policy and auth, and nothing else", async () => {
  const policy = (await serve({}).request("/console")).headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
  expect(policy).toContain("connect-src 'self' https://auth.test;");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toContain("unsafe");
});

test("where people publish is told, and may be talked to, where the operator has said it", async () => {
  const answer = await serve({ publish: "https://publish.test/b" }).request("/console");
  expect(await answer.text()).toContain("https://publish.test/b");
  const policy = answer.headers.get("content-security-policy") ?? "";
  expect(policy).toContain("connect-src 'self' https://auth.test https://publish.test;");
});

test("an issuer whose name is no address is not where people log in", async () => {
  const answer = await serve({ issuer: "auth" }).request("/console");
  expect(await answer.text()).toBe('<meta content="{}" />');
  expect(answer.headers.get("content-security-policy")).toContain("connect-src 'self';");
});

test("the demo alone tells its accounts", async () => {
  expect(await (await serve({ demo: "1" }).request("/console")).text()).toContain("sluice-demo-operator");
  expect(await (await serve({ demo: "0" }).request("/console")).text()).not.toContain("sluice-demo");
});

test("a file is kept for good, in the smallest encoding that the browser takes", async () => {
  const api = serve({});
  const ask = (headers: Record<string, string>) => api.request("/console/assets/index-a1.js", { headers });
  const br = await ask({ "accept-encoding": "gzip, deflate, br" });
  expect([await br.text(), br.headers.get("content-encoding")]).toEqual(["br", "br"]);
  expect(br.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
  const gzip = await ask({ "accept-encoding": "gzip;q=1.0" });
  expect([await gzip.text(), gzip.headers.get("content-encoding")]).toEqual(["gzip", "gzip"]);
  const plain = await ask({});
  expect([await plain.text(), plain.headers.get("content-encoding")]).toEqual(["plain", null]);
  expect((await ask({ "if-none-match": '"e1"' })).status).toBe(304);
});

test("what is no file of the console is not found", async () => {
  const api = serve({});
  api.onError((_, c) => c.text("none", 404));
  const paths = ["index-a1.js.br", "..%2findex.html", "%2e%2e/%2e%2e/package.json"].map(
    (each) => `/console/assets/${each}`,
  );
  const answers = await Promise.all(paths.map(async (path) => api.request(path)));
  expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
});

test("without a build the page says what makes one, and is there once it is made", async () => {
  const builds: BuiltConsole[] = [];
  const api = serve({ load: async () => builds[0] });
  const before = await api.request("/console");
  expect(before.status).toBe(503);
  expect(await before.text()).toContain("npm run console");
  builds.push(built);
  expect((await api.request("/console")).status).toBe(200);
});
