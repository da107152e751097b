import { createParser, type EventSourceMessage } from "eventsource-parser";
import { type ApiError, loggedOut, readProblem, toApiError } from "./api-error.ts";
import type { TokenSource } from "./api-client.ts";

/** How a stream is that is followed. */
export type StreamState =
  | { readonly kind: "opening" }
  | { readonly kind: "live" }
  /** It ended, and is opened again. */
  | { readonly kind: "away"; readonly error: ApiError | undefined }
  /** It was refused, and is not opened again. */
  | { readonly kind: "refused"; readonly error: ApiError };

/** A frame of a stream. */
export interface StreamFrame {
  readonly event: string;
  readonly data: unknown;
}

/** Who follows a stream. */
export interface StreamListener {
  onFrame(frame: StreamFrame): void;
  onState(state: StreamState): void;
}

/** A server that is silent for longer than that is away: it beats three times meanwhile. */
const SILENT_MS = 35_000;

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/** Follows an event stream at the page's own origin until `stop`: one that ends is opened again behind what was seen last. */
export async function followStream(
  tokens: TokenSource,
  path: string,
  listener: StreamListener,
  stop: AbortSignal,
): Promise<void> {
  let lastId: string | undefined;
  let pauseMs = FIRST_PAUSE_MS;
  const hear = (id: string | undefined, frame: StreamFrame): void => {
    lastId = id ?? lastId;
    if (frame.event === "ready") listener.onState({ kind: "live" });
    pauseMs = FIRST_PAUSE_MS;
    listener.onFrame(frame);
  };
  listener.onState({ kind: "opening" });
  while (!stop.aborted) {
    const error = await readOnce(tokens, { path, lastId, hear }, stop).then(() => undefined, toApiError);
    if (stop.aborted) return;
    if (error !== undefined && isFinal(error)) {
      listener.onState({ kind: "refused", error });
      return;
    }
    listener.onState({ kind: "away", error });
    // A crowd of pages does not come back all at once.
    await pause(pauseMs * (0.5 + Math.random()), stop);
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
  }
}

interface Reading {
  readonly path: string;
  readonly lastId: string | undefined;
  readonly hear: (id: string | undefined, frame: StreamFrame) => void;
}

async function readOnce(tokens: TokenSource, { path, lastId, hear }: Reading, stop: AbortSignal): Promise<void> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENT_MS);
  const token = await tokens.token();
  try {
    if (token === undefined) throw loggedOut();
    const response = await fetch(path, {
      headers: { authorization: `Bearer ${token}`, ...(lastId === undefined ? {} : { "last-event-id": lastId }) },
      credentials: "omit",
      signal: AbortSignal.any([stop, silence.signal]),
    });
    if (response.status === 401) tokens.expire(token);
    if (!response.ok || response.body === null) throw await readProblem(response);
    const onEvent = ({ event = "message", id, data }: EventSourceMessage): void =>
      hear(id, { event, data: JSON.parse(data) as unknown });
    const parser = createParser({ onEvent });
    const decoder = new TextDecoder();
    // Safari cannot iterate a body.
    const reader = response.body.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENT_MS);
      parser.feed(decoder.decode(part.value, { stream: true }));
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Whether the same request would be refused again. A token that has run out is renewed. */
function isFinal({ status }: ApiError): boolean {
  return status >= 400 && status < 500 && status !== 401 && status !== 429;
}

function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    stop.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
