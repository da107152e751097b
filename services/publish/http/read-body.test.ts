import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { readBody } from "./read-body.ts";

/** What a server that takes ten bytes reads of a request. */
async function read(body: string, headers: Record<string, string> = {}): Promise<string> {
  const outcome = Promise.withResolvers<string>();
  const server = createServer((request, response) => {
    readBody(request, 10).then(
      (bytes) => outcome.resolve(bytes.toString()),
      (error: { readonly code?: string }) => outcome.resolve(String(error.code)),
    );
    void outcome.promise.then(() => response.end());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const client = httpRequest({ host: "127.0.0.1", port, method: "POST", headers });
  client.on("error", () => undefined);
  client.end(body);
  const said = await outcome.promise;
  client.destroy();
  server.close();
  return said;
}

const CHUNKED = { "transfer-encoding": "chunked" };

test("a body is read whole up to its limit, and not one byte more, with and without its length", async () => {
  expect(await read("0123456789")).toBe("0123456789");
  expect(await read("0123456789", CHUNKED)).toBe("0123456789");
  expect(await read("")).toBe("");
  expect(await read("0123456789a")).toBe("body_too_large");
  expect(await read("0123456789a", CHUNKED)).toBe("body_too_large");
});
