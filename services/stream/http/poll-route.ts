import type { IncomingMessage, ServerResponse } from "node:http";
import { AppError } from "#shared/errors/app-error.ts";
import { createPollRoad, type PollEdge } from "./roads/poll-road.ts";
import { POLL_PATH } from "./stream-headers.ts";
import { serveStream, type StreamRoute } from "./stream-route.ts";

/** The edge, how the route reads tokens, and how polls end. */
export interface PollRoute extends StreamRoute {
  readonly edge: StreamRoute["edge"] & PollEdge;
}

/** Serves `GET /v1/poll`: a stream that ends with its first answer. The connection takes other requests afterwards. */
export async function servePoll(
  route: PollRoute,
  request: IncomingMessage,
  response: ServerResponse,
  origin: { readonly requestId: string; readonly address: string | undefined },
): Promise<void> {
  await serveStream(route, request, response, { path: POLL_PATH, ...origin }, () => {
    const road = createPollRoad(route.edge, request);
    if (road.isAskedFor(request)) return road;
    throw new AppError("not_acceptable", "polls are answered in JSON: send Accept: application/json");
  });
}
