import type { Frame } from "../../shared/protocol/frame.ts";
import { BEARER, SUBPROTOCOL } from "../../shared/protocol/subprotocols.ts";
import type { Environment } from "../environment/environment.ts";
import { targetOf } from "./ask-edge.ts";
import type { FollowRoad, RoadEnd } from "./road.ts";

/** What a code says where no frame came before it; the numbers behind 4000 are those of HTTP. */
const REFUSED: Readonly<Record<number, number>> = { 4001: 401, 4003: 403, 4029: 429 };

/** One text message to a frame. A refusal cannot be read: it looks like an edge that is not there. */
export function createWebSocketRoad(openSocket: NonNullable<Environment["openSocket"]>): FollowRoad {
  return (request, listener, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve({ kind: "closed" });
      const token = request.token();
      const protocols = token === undefined ? [SUBPROTOCOL] : [SUBPROTOCOL, BEARER + token];
      let end: RoadEnd = { kind: "unreachable" };
      let socket: WebSocket;
      try {
        socket = openSocket(targetOf(request, "/v1/stream", {}).replace(/^http/, "ws"), protocols);
      } catch {
        // A token of other characters than a protocol's name may have.
        return resolve({ kind: "unusable" });
      }
      const leave = (): void => {
        socket.close();
        resolve({ kind: "closed" });
      };
      signal.addEventListener("abort", leave);
      socket.addEventListener("open", () => {
        end = { kind: "closed" };
        listener.onOpen(undefined);
      });
      socket.addEventListener("message", ({ data }) => {
        if (signal.aborted) return;
        listener.onBytes();
        const frame = parseFrame(data);
        if (frame === undefined) leave();
        else listener.onFrame(frame);
      });
      socket.addEventListener("close", ({ code }) => {
        signal.removeEventListener("abort", leave);
        const status = REFUSED[code];
        resolve(status === undefined ? end : { kind: "refused", status });
      });
    });
}

function parseFrame(text: unknown): Frame | undefined {
  try {
    return JSON.parse(text as string) as Frame;
  } catch {
    return undefined;
  }
}
