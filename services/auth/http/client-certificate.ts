import { constants } from "node:crypto";
import { TLSSocket } from "node:tls";
import type { Context, Hono } from "hono";
import { createTlsApiServer } from "#shared/http/json-api.ts";
import { closeServer, listen, type ListenAddress } from "#shared/http/listen.ts";
import type { SocketBudget } from "#shared/http/socket-budget.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { readTlsMaterial, type TlsFiles, type TlsMaterial } from "#shared/tls/tls-material.ts";
import { watchTlsFiles } from "#shared/tls/watch-tls-files.ts";

interface TlsApiDeps {
  readonly files: TlsFiles;
  readonly address: ListenAddress;
  readonly sockets: SocketBudget;
  readonly graceMs: number;
  readonly log: Logger;
}

/**
 * Serves the API over HTTPS to clients with a certificate of the authorities in the files, and to those without any. A
 * certificate that is not good ends the connection. Changed files apply to new connections.
 * @throws {BootError} when a file is not what it should be, or the port is taken.
 */
export async function startTlsApi(
  api: Hono,
  { files, address, sockets, graceMs, log }: TlsApiDeps,
): Promise<AsyncDisposable & { readonly port: number }> {
  const material = await readTlsMaterial(files);
  const server = createTlsApiServer(api, sockets, {
    ...contextOf(material),
    requestCert: true,
    // It would also refuse those who have no certificate.
    rejectUnauthorized: false,
  });
  // Before the listener that reads requests.
  server.prependListener("secureConnection", (socket) => {
    if (socket.getPeerX509Certificate() !== undefined && !socket.authorized) socket.destroy();
  });
  const port = await listen(server, address);
  const onChange = (fresh: TlsMaterial): void => server.setSecureContext(contextOf(fresh));
  const watch = watchTlsFiles({ files, material, onChange, of: "HTTPS", log });
  return {
    port,
    async [Symbol.asyncDispose]() {
      watch[Symbol.dispose]();
      await closeServer(server, graceMs);
    },
  };
}

/**
 * The common name in the certificate that the connection's client proved to have; undefined without a certificate, empty
 * where it has no name or several. It comes from the socket: no header says anything about it.
 */
export function certifiedNameOf(c: Context): string | undefined {
  const { socket } = (c.env as { readonly incoming: { readonly socket: unknown } }).incoming;
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  // A connection may be open for longer than its certificate is good.
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  const name: unknown = certificate.toLegacyObject().subject.CN;
  return typeof name === "string" && certificate.validToDate.getTime() > Date.now() ? name : "";
}

function contextOf({ certificate, privateKey, authorities }: TlsMaterial) {
  return {
    cert: certificate,
    key: privateKey,
    ca: authorities,
    // Older versions let a client renegotiate, and so show another certificate than the one that was checked.
    minVersion: "TLSv1.3" as const,
    // A resumed session would rely on an old check, by authorities that may have been replaced.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}
