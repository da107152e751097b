import type { Socket } from "node:net";

/** Connections by their peers, for what says of a connection only who is at its other end. */
export class SocketsByPeer implements Iterable<Socket> {
  readonly #sockets = new Map<string, Socket>();

  /** Keeps the connection until it is closed. */
  add(socket: Socket): void {
    const peer = peerOf(socket);
    this.#sockets.set(peer, socket);
    socket.once("close", () => this.#sockets.delete(peer));
  }

  /** The connection with that peer. */
  find(peer: string): Socket | undefined {
    return this.#sockets.get(peer);
  }

  [Symbol.iterator](): Iterator<Socket> {
    return this.#sockets.values();
  }
}

/** A connection's peer, as grpc-js names that of a call. */
export function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress}:${remotePort}`;
}
