import { createHash } from "node:crypto";
import { Hono } from "hono";
import { expect, test } from "vitest";
import { addClientScript } from "./client-script.ts";

const body = Buffer.from("export const connect = 1;");
const integrity = `sha384-${createHash("sha384").update(body).digest("base64")}`;
const script = {
  file: { type: "text/javascript; charset=utf-8", etag: '"digest"', body, br: Buffer.from("br"), gzip: undefined },
  pinned: "/client/v1-digest.js",
  integrity,
};

function serve(load: Parameters<typeof addClientScript>[1]): Hono {
  const api = new Hono();
  api.onError((error) => Response.json({ error: error.message }, { status: "code" in error ? 404 : 500 }));
  addClientScript(api, load);
  return api;
}

test("the client of the release is for pages of every origin, and is asked for again after minutes", async () => {
  const answer = await serve(async () => script).request("/client/v1.js", { headers: { origin: "https://page.test" } });
  expect(await answer.text()).toBe(body.toString());
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    "access-control-allow-origin": "*",
    "cache-control": "public, max-age=300",
    "content-type": "text/javascript; charset=utf-8",
    "cross-origin-resource-policy": "cross-origin",
    etag: '"digest"',
  });
});

test("its pinned path is kept for good, and named together with what browsers compare it with", async () => {
  const api = serve(async () => script);
  const named = (await (await api.request("/client/v1.json")).json()) as typeof script;
  expect(named).toEqual({ path: "/client/v1-digest.js", integrity });
  const pinned = await api.request("/client/v1-digest.js", { headers: { "accept-encoding": "gzip, br" } });
  expect(pinned.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
  expect(pinned.headers.get("content-encoding")).toBe("br");
  expect((await api.request("/client/v1-other.js")).status).toBe(404);
});

test("a browser that has it gets it no more; of the tags that it names, the first ones count", async () => {
  const api = serve(async () => script);
  const statusOf = async (...tags: readonly string[]): Promise<number> =>
    (await api.request("/client/v1.js", { headers: { "if-none-match": tags.join(", ") } })).status;
  const others = Array.from({ length: 32 }, (_, number) => `"${number}"`);
  expect(await statusOf('W/"digest"')).toBe(304);
  expect(await statusOf(...others.slice(1), '"digest"')).toBe(304);
  expect(await statusOf(...others, '"digest"')).toBe(200);
});

test("an edge where it is not built yet says so, and has it as soon as it is", async () => {
  let isBuilt = false;
  const api = serve(async () => (isBuilt ? script : undefined));
  expect(await (await api.request("/client/v1.js")).json()).toMatchObject({
    error: expect.stringContaining("npm run client") as string,
  });
  isBuilt = true;
  expect((await api.request("/client/v1.js")).status).toBe(200);
});
