import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { closeServer, listen, type ListenAddress } from "./listen.ts";

/** What the operations port tells and who may change it. */
export interface OpsServer extends AsyncDisposable {
  readonly port: number;
}

/** Metrics as text; a `Registry` of prom-client has them. */
export interface MetricsText {
  readonly contentType: string;
  metrics(): Promise<string>;
}

/**
 * Serves the operations port: `/healthz` (the process lives), `/readyz` (it takes new work: 200 or 503), `/metrics`
 * (OpenMetrics), and `pages` of the service's own as JSON.
 */
export async function startOpsServer(
  address: ListenAddress,
  metrics: MetricsText,
  isReady: () => boolean | Promise<boolean>,
  pages: Record<string, () => unknown> = {},
): Promise<OpsServer> {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<ServerResponse> => {
    const path = request.url?.split("?")[0] ?? "";
    if (path === "/healthz") return response.end("ok\n");
    if (path === "/readyz") {
      const ready = await isReady();
      return response.writeHead(ready ? 200 : 503).end(ready ? "ready\n" : "not ready\n");
    }
    if (path === "/metrics") {
      return response.setHeader("content-type", metrics.contentType).end(await metrics.metrics());
    }
    const page = pages[path];
    if (page !== undefined)
      return response.setHeader("content-type", "application/json").end(JSON.stringify(await page(), null, 2));
    return response.writeHead(404).end("not found\n");
  };
  const server = createServer((request, response) => void answer(request, response));
  const port = await listen(server, address);
  return { port, [Symbol.asyncDispose]: () => closeServer(server, 100) };
}
