import type { IncomingMessage, ServerResponse } from "node:http";
import type { ControlData } from "#shared/protocol/control-frames.ts";
import type { Transport } from "#shared/protocol/transports.ts";
import type { StreamRequest } from "../../connections/stream-request.ts";

/** A request for a stream and its answer; the headers that the answer has already go with whatever the road answers. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
}

/** A road as a request has it: its frames, and what takes them. */
export interface ChosenRoad extends Pick<StreamRequest, "framing" | "accept"> {
  /** Access tokens that the road itself carries, beside those in headers. */
  readonly tokens?: readonly string[];
}

/** A way by which a stream's frames travel. All else about a stream is the same on each. */
export interface Road {
  readonly transport: Transport;
  /** The status that a stream begins with. */
  readonly status: number;
  /** Whether a request asks for this road. */
  readonly isAskedFor: (request: IncomingMessage) => boolean;
  /**
   * Reads what the road itself needs of a request, before anybody is asked for anything.
   * @throws {AppError} where this road cannot answer such a request.
   */
  readonly take: (exchange: Exchange) => ChosenRoad;
  /** Whether the client that asks can read a status, and when to come back from the headers beside it. */
  readonly readsStatus: (request: IncomingMessage) => boolean;
  /** Answers a client that cannot, and is refused for now: with a `busy` frame. */
  readonly answerBusy: (exchange: Exchange, busy: ControlData["busy"]) => void;
}
