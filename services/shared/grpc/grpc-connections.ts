import { Server as TcpServer, type Socket } from "node:net";
import {
  type ConnectionInjector,
  ServerInterceptingCall,
  type ServerInterceptor,
  type ServerCredentials,
  type Server,
} from "@grpc/grpc-js";
import { listen, type ListenAddress, stopAccepting } from "#shared/http/listen.ts";
import type { SocketBudget } from "#shared/http/socket-budget.ts";
import { SocketsByPeer } from "#shared/http/sockets-by-peer.ts";

/**
 * The connections of a gRPC server, which cannot limit them itself. One waits until its first call, which over mutual TLS only
 * who has a certificate makes; from then on it stays. Disposing ends what is still open.
 */
export class GrpcConnections implements Disposable {
  readonly #sockets: SocketBudget;
  readonly #byPeer = new SocketsByPeer();
  readonly #listeners: TcpServer[] = [];

  constructor(sockets: SocketBudget) {
    this.#sockets = sockets;
  }

  /** The interceptor that learns of calls. */
  followCalls(): ServerInterceptor {
    return (_method, call) => {
      const socket = this.#byPeer.find(call.getPeer());
      if (socket !== undefined) this.#sockets.answers(socket);
      return new ServerInterceptingCall(call);
    };
  }

  /**
   * Listens for the server, and answers the port.
   * @throws {BootError} when it is taken.
   */
  async listen(server: Server, address: ListenAddress, credentials: ServerCredentials): Promise<number> {
    const injector = server.createConnectionInjector(credentials);
    const listener = new TcpServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.#take(socket, injector));
    this.#listeners.push(listener);
    return listen(listener, address);
  }

  /** Takes no more connections. */
  close(): void {
    this.#listeners.splice(0).forEach(stopAccepting);
  }

  [Symbol.dispose](): void {
    for (const socket of this.#byPeer) socket.destroy();
  }

  #take(socket: Socket, injector: ConnectionInjector): void {
    this.#byPeer.add(socket);
    this.#sockets.add(socket);
    if (!socket.destroyed) injector.injectConnection(socket);
  }
}
