import type { Socket } from "node:net";

/** A client that takes nothing of its answer for so long is given up. */
const STALL_MS = 10_000;

/** Writes a handshake's whole answer, and closes its connection. */
export function endHandshake(socket: Socket, answer: string | Buffer): void {
  // Nobody else listens any more, and an error that nobody hears ends the process.
  socket.on("error", ignore).write(answer);
  // The kernel takes so little in one piece, and sends it although the socket is gone. To shut our side first is one call of it more.
  if (socket.writableLength === 0) socket.destroy();
  // It has no room: the client has asked for other things before, and reads nothing of them.
  else socket.setTimeout(STALL_MS, () => void socket.destroy()).end(() => void socket.destroy());
}

/** The error has destroyed the socket. */
function ignore(): void {}
