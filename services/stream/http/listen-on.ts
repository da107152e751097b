import type { Server } from "node:http";
import { Server as TcpServer, type Socket } from "node:net";
import { listen, type ListenAddress, stopAccepting } from "#shared/http/listen.ts";
import { claimPort } from "./claim-port.ts";

/**
 * libuv accepts one connection for each turn of its loop and each listening socket. A loop that delivers 30 000 events a second
 * takes 25 ms for a turn, and let 36 clients a second back in after a storm. With turns of 20 ms, 400 clients were answered
 * after 8.2 s through one socket, and after 0.7 s through sixteen. Only Linux deals connections out among them.
 */
const SOCKETS = process.platform === "linux" ? 16 : 1;

/** The sockets on one port that lead to a server. */
export interface Listener {
  readonly port: number;
  /** Stops accepting, and leaves every connection as it is. */
  close(): void;
}

/**
 * Listens, through several sockets where that helps. No other process may listen on the port, unless `isShared`.
 * @throws {BootError} when the port is taken or not allowed.
 */
export async function listenOn(server: Server, address: ListenAddress): Promise<Listener> {
  const port = address.isShared === true ? address.port : await claimPort(address);
  const listeners: TcpServer[] = [server];
  const handOver = (socket: Socket): void => void server.emit("connection", socket);
  // As node:http makes its own.
  while (listeners.length < SOCKETS) listeners.push(new TcpServer({ allowHalfOpen: true, noDelay: true }, handOver));
  const isShared = SOCKETS > 1 || address.isShared === true;
  for (const each of listeners) await listen(each, { ...address, port, isShared });
  return { port, close: () => listeners.forEach(stopAccepting) };
}
