import { Hono } from "hono";
import { expect, test } from "vitest";
import { answerBuiltFile, type BuiltFile } from "./built-file.ts";

const file: BuiltFile = {
  type: "text/plain",
  etag: '"digest"',
  body: Buffer.from("plain"),
  br: Buffer.from("in br"),
  gzip: Buffer.from("in gzip"),
};

async function ask(headers: Record<string, string>, served = file) {
  const api = new Hono().get("/file", (c) => answerBuiltFile(c, served, {}));
  const answer = await api.request("/file", { headers });
  return [answer.status, await answer.text(), answer.headers.get("content-encoding"), answer.headers.get("etag")];
}

test("each form of a file is given to those who take it, with a tag of its own", async () => {
  expect(await ask({})).toEqual([200, "plain", null, '"digest"']);
  expect(await ask({ "accept-encoding": "gzip, br" })).toEqual([200, "in br", "br", '"digest-br"']);
  expect(await ask({ "accept-encoding": "br;q=0, gzip" })).toEqual([200, "in gzip", "gzip", '"digest-gzip"']);
  expect(await ask({ "accept-encoding": "br" }, { ...file, br: undefined })).toEqual([200, "plain", null, '"digest"']);
});

test("a form that is known already is not sent again, and another form is", async () => {
  const encoding = { "accept-encoding": "br" };
  expect(await ask({ ...encoding, "if-none-match": '"x", W/"digest-br"' })).toEqual([304, "", null, '"digest-br"']);
  expect((await ask({ ...encoding, "if-none-match": '"digest"' }))[0]).toBe(200);
});
