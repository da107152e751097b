import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { once } from "node:events";
import type { AddressInfo, Server } from "node:net";
import { readFile } from "node:fs/promises";
import { afterEach, describe, expect, test } from "vitest";
import { createTestCertificates } from "#test/support/tls.ts";
import { fetchJson } from "./fetch-json.ts";

let open: (Server & { closeAllConnections(): void })[] = [];
afterEach(() => {
  for (const server of open) {
    server.closeAllConnections();
    server.close();
  }
  open = [];
});

async function serve(answer: RequestListener, tls?: { readonly cert: string; readonly key: string }) {
  const server = tls === undefined ? createHttpServer(answer) : createHttpsServer(tls, answer);
  open.push(server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  return `${tls === undefined ? "http" : "https"}://localhost:${(server.address() as AddressInfo).port}/keys`;
}

describe("what a server does instead of answering JSON is said in words", () => {
  test.each([
    [302, { location: "https://other.example/" }, "", "redirect (302), which is not followed"],
    [200, { "content-type": "text/html" }, " <!doctype html>", "HTML instead of JSON"],
    [200, {}, "kaput", "something that is not JSON"],
    [200, {}, "", "something that is not JSON"],
    [401, {}, "{}", "answers 401: it does not accept the credentials"],
    [503, {}, "{}", "the server answers 503"],
    [200, {}, `{"keys":[${" ".repeat(300_000)}]}`, "more than 262144 bytes"],
  ])("a %d with %j and %j", async (status, headers, body, message) => {
    const url = await serve((_, response) => void response.writeHead(status, headers).end(body));
    await expect(fetchJson({ url })).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining(message),
    });
  });

  test("nobody listening, an unknown name, a line that is cut, another protocol, plain text where TLS is spoken", async () => {
    await expect(fetchJson({ url: "http://127.0.0.1:1/" })).rejects.toThrow("the connection is refused");
    await expect(fetchJson({ url: "https://name.invalid/" })).rejects.toThrow(/host name/);
    const cut = await serve((request) => void request.socket.destroy());
    await expect(fetchJson({ url: cut })).rejects.toThrow("breaks the connection off");
    const other = await serve((request) => {
      request.socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    });
    await expect(fetchJson({ url: other })).rejects.toThrow("another protocol");
    const plain = await serve((_, response) => void response.end("{}"));
    await expect(fetchJson({ url: plain.replace("http", "https") })).rejects.toThrow("does not speak TLS");
  });
});

test("a password in the address is sent, and told to nobody", async () => {
  const url = await serve(({ headers }, response) => {
    response.writeHead(headers.authorization === undefined ? 401 : 503).end();
  });
  const secret = url.replace("://", "://reader:s3cret@");
  const masked = url.replace("://", "://***@");
  await expect(fetchJson({ url: secret })).rejects.toMatchObject({ facts: { url: masked, status: "503" } });
  await expect(fetchJson({ url: "http://reader:s3cret@127.0.0.1:1/" })).rejects.toMatchObject({
    facts: { url: "http://***@127.0.0.1:1/" },
  });
});

test("a certificate of a private authority holds where that authority is named, and nowhere else", async () => {
  await using certificates = await createTestCertificates();
  await using others = await createTestCertificates();
  const files = await certificates.issue("idp", { dnsName: "localhost" });
  const [cert, key] = await Promise.all(
    [files.GRPC_TLS_CERT_FILE, files.GRPC_TLS_KEY_FILE].map((path) => readFile(path, "utf8")),
  );
  const url = await serve((_, response) => void response.end('{"keys":[]}'), { cert: cert ?? "", key: key ?? "" });
  expect(await fetchJson({ url, ca: certificates.authority.certificate })).toEqual({ keys: [] });
  await expect(fetchJson({ url })).rejects.toThrow("TLS: unknown authority");
  await expect(fetchJson({ url, ca: others.authority.certificate })).rejects.toThrow(/TLS: /);
  const byAddress = url.replace("localhost", "127.0.0.1");
  await expect(fetchJson({ url: byAddress, ca: certificates.authority.certificate })).rejects.toThrow(
    "for another name",
  );
});

test("a form is posted with its authorization", async () => {
  const url = await serve((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method, headers } = request;
      response.end(
        JSON.stringify({ method, authorization: headers.authorization, body: Buffer.concat(chunks).toString() }),
      );
    });
  });
  expect(await fetchJson({ url, form: { token: "a b&c" }, authorization: "Basic x" })).toEqual({
    method: "POST",
    authorization: "Basic x",
    body: "token=a+b%26c",
  });
});
