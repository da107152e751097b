import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** So many polls may stand behind another one on their connection. */
const MAX_BEHIND = 16;

/**
 * Has polls that stand behind others on their connection wait for their turn. One too many closes the connection: node:http reads on while
 * nothing is answered, and holds 5 KB for each request of a hundred bytes.
 */
export function queuePolls(): (request: IncomingMessage, response: ServerResponse, serve: () => void) => void {
  const behind = new WeakMap<Socket, number>();
  return ({ socket }, response, serve) => {
    const before = behind.get(socket) ?? 0;
    if (before >= MAX_BEHIND) return void socket.destroy();
    behind.set(socket, before + 1);
    response.once("socket", () => {
      behind.set(socket, (behind.get(socket) ?? 1) - 1);
      // Not before: events that it has gathered would wait, and leave when nobody has a right to them any more.
      queueMicrotask(serve);
    });
  };
}
