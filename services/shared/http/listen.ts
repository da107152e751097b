import { once } from "node:events";
import type { Server } from "node:http";
import { type AddressInfo, Server as TcpServer } from "node:net";
import { within } from "#shared/async/within.ts";
import { BootError } from "#shared/config/read-config.ts";
import { formatAddress } from "#shared/config/server-urls.ts";

/** Where a port is open to this machine alone. */
export const LOOPBACK = "127.0.0.1";

/** Where to listen; `setting` is the variable to name when the port is taken. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  readonly setting: string;
  /** Other processes listen there too, and the kernel deals the connections out. */
  readonly isShared?: boolean;
}

/**
 * Starts listening and answers the port in use.
 * @throws {BootError} when the port is taken or not allowed, or the address is not this machine's.
 */
export async function listen(server: TcpServer, address: ListenAddress): Promise<number> {
  const { port, setting, isShared: reusePort = false } = address;
  // As it stands in a URL.
  const host = address.host.replace(/^\[(.*)\]$/, "$1");
  // A reconnect storm brings thousands of connections at once; the kernel's default backlog of 511 would refuse them.
  server.listen({ host, port, backlog: 4096, reusePort });
  try {
    await once(server, "listening");
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    throw new BootError(`cannot listen on ${formatAddress({ host, port })} (${code}); ${adviceFor(code, setting)}`);
  }
  return (server.address() as AddressInfo).port;
}

function adviceFor(code: string, setting: string): string {
  if (code === "EADDRINUSE") return `set ${setting} to a free port`;
  if (code === "EACCES") return `set ${setting} to a port that this user may listen on, such as one from 1024 on`;
  return `set ${setting.replace(/(?:_HTTP|_TLS)?_PORT$/, "_BIND_ADDRESS")} to an address of this machine`;
}

/**
 * Stops accepting, and leaves every connection as it is. http's own `close` would end those on which no request is under way,
 * which open streams look like.
 */
export function stopAccepting(server: TcpServer): void {
  TcpServer.prototype.close.call(server);
}

/** A connection that was closed is gone within this time; one that another has taken may never be. */
const CLOSED_MS = 500;

/** Stops accepting, lets running requests finish for up to `graceMs`, then closes what is left, and waits no longer. */
export async function closeServer(server: Server, graceMs: number): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  await within(graceMs + CLOSED_MS, closed);
  clearTimeout(timer);
}
