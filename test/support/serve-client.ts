import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import type { InstalledClient } from "./install-client.ts";
import { listenHere } from "./listen-here.ts";

/** A site whose page follows a stream by our installed client. */
export interface ClientSite extends AsyncDisposable {
  /** Of the page, without a slash at its end. */
  readonly origin: string;
}

const PAGE = fileURLToPath(new URL("../../infra/demo/client/index.html", import.meta.url));

/** The name that a bundler would resolve. */
const IMPORTS = `<script type="importmap">{ "imports": { "@sluice/client": "/client.min.js" } }</script>`;

/** Serves the page of the demo with the client in one file, as a site without a bundler does. */
export async function serveClient(client: Pick<InstalledClient, "file">): Promise<ClientSite> {
  const page = (await readFile(PAGE, "utf8")).replace("<title>", `${IMPORTS}<title>`);
  const script = await readFile(client.file("dist/client.min.js"), "utf8");
  const server = createServer(({ url }, response) => {
    const isPage = url === "/";
    response.setHeader("content-type", isPage ? "text/html; charset=utf-8" : "text/javascript; charset=utf-8");
    response.end(isPage ? page : script);
  });
  const listening = await listenHere(server);
  return {
    origin: `http://localhost:${listening.port}`,
    [Symbol.asyncDispose]: () => listening[Symbol.asyncDispose](),
  };
}
