import type { Socket } from "node:net";

/** Writes a handshake's whole answer, and closes its connection. */
export function endHandshake(socket: Socket, answer: string | Buffer): void {
  socket.write(answer);
  // The kernel takes so little in one piece, and sends it although the socket is gone. To shut our side first is one call of it more.
  if (socket.writableLength === 0) socket.destroy();
  else socket.end(() => void socket.destroy());
}
