import { readFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { createServer } from "node:https";
import { listenHere } from "./listen-here.ts";
import type { TestCertificates } from "./tls.ts";

/** The ports of services by the names under which browsers reach them, and the paths of a service beside the name's own. */
export type Hosts = Readonly<Record<string, (path: string) => number | undefined>>;

/**
 * Serves hosts over TLS on this port, and passes each request on as it is to the port that its host and path say; an empty
 * page where they say none.
 */
export async function startSite(port: number, hosts: Hosts, certificates: TestCertificates): Promise<AsyncDisposable> {
  const files = await certificates.issue("site", { dnsName: "sluice.example" });
  const [cert, key] = await Promise.all([readFile(files.GRPC_TLS_CERT_FILE), readFile(files.GRPC_TLS_KEY_FILE)]);
  const server = createServer({ cert, key }, (request, response) => {
    const { method, url: path = "/", headers } = request;
    const behind = hosts[headers.host?.split(":")[0] ?? ""]?.(path);
    if (behind === undefined) {
      return void response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>page</title>");
    }
    const passed = httpRequest({ host: "127.0.0.1", port: behind, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    passed.on("error", () => response.destroy());
    response.on("close", () => passed.destroy());
    request.pipe(passed);
  });
  return listenHere(server, port);
}
