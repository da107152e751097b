import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** Whether an answer has begun on a connection of node:http, which keeps the one that is under way there. */
export function isAnswering(socket: Duplex): boolean {
  const { _httpMessage: underWay } = socket as { _httpMessage?: Pick<ServerResponse, "headersSent"> | null };
  return underWay?.headersSent === true;
}
