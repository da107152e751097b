import type { IncomingMessage } from "node:http";
import { AppError } from "#shared/errors/app-error.ts";
import { ndjsonRoad, sseRoad } from "./body-roads.ts";
import type { Road } from "./road.ts";
import { websocketRoad } from "./websocket-road.ts";

/** The roads; the first that a request asks for is taken. */
const ROADS: readonly Road[] = [websocketRoad, sseRoad, ndjsonRoad];

/**
 * The road that a request for a stream asks for.
 * @throws {AppError} `not_acceptable` where it asks for none of them.
 */
export function chooseRoad(request: IncomingMessage): Road {
  const road = ROADS.find(({ isAskedFor }) => isAskedFor(request));
  if (road !== undefined) return road;
  throw new AppError(
    "not_acceptable",
    "this is an event stream: send Accept: text/event-stream, or application/x-ndjson",
  );
}
