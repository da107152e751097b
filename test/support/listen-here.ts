import { once } from "node:events";
import type { Server } from "node:http";
import type { Server as SecureServer } from "node:https";
import type { AddressInfo } from "node:net";

/** A server that listens on this machine. Disposing it cuts its connections. */
export interface Listening extends AsyncDisposable {
  readonly port: number;
}

/** Has a server listen on this machine: on that port, or on a free one. */
export async function listenHere(server: Server | SecureServer, port = 0): Promise<Listening> {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
