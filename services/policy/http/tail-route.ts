import type { Context, Hono } from "hono";
import { z } from "zod";
import { poll } from "#shared/async/poll.ts";
import { AppError, toAppError } from "#shared/errors/app-error.ts";
import { BY_EXPLICIT_TOKEN } from "#shared/http/openapi/credentials.ts";
import { describeCall } from "#shared/http/openapi/describe-call.ts";
import { readParameter } from "#shared/http/read-parameter.ts";
import { type EventId, parseEventId } from "#shared/protocol/event-id.ts";
import { isTopicPattern } from "#shared/protocol/topics.ts";
import type { EventTails } from "../tail-events.ts";
import type { TailFrame } from "../tail/tail-frame.ts";
import type { TailFilter, TailViewer } from "../tail/viewer.ts";
import { authorizeAdmin, type AuthorizeDeps } from "./authorize.ts";
import { TENANT, TENANT_ERRORS } from "./admin-calls.ts";
import { tenantParameter } from "./parameters.ts";

/** What a viewer may leave unread: 200 events with the longest topics. One that leaves more is ended. */
const MAX_UNREAD_BYTES = 2 * 1024 * 1024;

/** As many topics as a stream may have. */
const MAX_PATTERNS = 100;

const BEAT_EVERY_MS = 10_000;
const CHECK_RIGHT_EVERY_MS = 30_000;
const RETRY_MS = 2_000;

const patternsSchema = z.array(z.string()).max(MAX_PATTERNS).describe("Topic patterns, any of which matches.");
const fromSchema = z.enum(["now", "recent"], { error: "must be now or recent" });

const TAIL = describeCall({
  id: "tailEvents",
  tag: "Events",
  summary: "Shows what is stored in a tenant's log and whom it reached, without payloads",
  by: BY_EXPLICIT_TOKEN,
  path: TENANT,
  query: {
    type: patternsSchema,
    topic: patternsSchema,
    from: fromSchema.describe("Whether to begin with the last events."),
  },
  headers: { "last-event-id": z.string().describe("Goes on behind this event.") },
  answers: {
    200: {
      is: "Frames as docs/reference/policy-http.md describes them.",
      content: { "text/event-stream": z.string() },
    },
  },
  errors: [...TENANT_ERRORS, "malformed_topic", "too_many_requests"],
  example: { path: { tenant: "acme" }, query: { from: "recent" }, status: 200 },
});

/** How often the tail looks after itself, where it is not as often as always. */
export interface TailTimes {
  readonly checkRightEveryMs?: number;
}

/** Adds the stream of what is stored in a tenant's log, and whom it reached. It ends with its viewer's right. */
export function addTailRoute(api: Hono, authorizeDeps: AuthorizeDeps, tails: EventTails, times: TailTimes = {}): void {
  api.get("/v1/tenants/:tenant/tail", TAIL, async (c) => {
    const tenant = tenantParameter(c);
    const authorize = (): Promise<string> => authorizeAdmin(authorizeDeps, c, tenant);
    await authorize();
    const start = { tenant, after: readLastEventId(c), isRecent: readFrom(c) === "recent" };
    const stream = new TailStream({ topics: patternParameters(c, "topic"), type: patternParameters(c, "type")[0] });
    stream.own(await tails.open(start, stream));
    stream.own(poll(BEAT_EVERY_MS, async () => stream.beat()));
    stream.own(
      poll(times.checkRightEveryMs ?? CHECK_RIGHT_EVERY_MS, () =>
        authorize().then(
          () => undefined,
          (error: unknown) => stream.refuse(toAppError(error)),
        ),
      ),
    );
    return c.body(stream.body, 200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store, no-transform",
      "x-accel-buffering": "no",
    });
  });
}

/** A viewer at the other end of a response. */
class TailStream implements TailViewer {
  readonly filter: TailFilter;
  readonly body: ReadableStream<Uint8Array>;
  readonly #owned = new DisposableStack();
  readonly #encoder = new TextEncoder();
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #isOpen = true;

  constructor(filter: TailFilter) {
    this.filter = filter;
    const start = (controller: ReadableStreamDefaultController<Uint8Array>): void =>
      void (this.#controller = controller);
    const unread = new ByteLengthQueuingStrategy({ highWaterMark: MAX_UNREAD_BYTES });
    this.body = new ReadableStream({ start, cancel: () => this.#leave() }, unread);
    this.#write(`retry: ${RETRY_MS}\n\n`);
  }

  /** Disposes of it when the viewer has left. */
  own(resource: Disposable): void {
    if (this.#isOpen) this.#owned.use(resource);
    else resource[Symbol.dispose]();
  }

  show({ event, data }: TailFrame): void {
    const id = event === "event" ? `id: ${data.id}\n` : event === "ready" ? `id: ${data.from}\n` : "";
    this.#write(`event: ${event}\n${id}data: ${JSON.stringify(data)}\n\n`);
  }

  beat(): void {
    this.#write(":\n\n");
  }

  end(reason: string): void {
    this.#finish("bye", { reason });
  }

  /** Ends the viewer, whose right has ended or cannot be checked. */
  refuse({ code }: AppError): void {
    if (code === "unavailable") this.#finish("busy", { reason: code });
    else this.#finish("auth_error", { reason: code });
  }

  #write(text: string): void {
    if (!this.#isOpen) return;
    this.#controller.enqueue(this.#encoder.encode(text));
    if ((this.#controller.desiredSize ?? 0) > 0) return;
    this.#controller.error(new AppError("unavailable", "the viewer does not read"));
    this.#leave();
  }

  #finish(event: string, data: object): void {
    this.#write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    if (this.#isOpen) this.#controller.close();
    this.#leave();
  }

  #leave(): void {
    this.#isOpen = false;
    this.#owned.dispose();
  }
}

function readLastEventId(c: Context): EventId | undefined {
  const text = c.req.header("last-event-id") ?? "";
  if (text === "") return undefined;
  const id = parseEventId(text);
  if (id === undefined) throw new AppError("malformed_request", "Last-Event-ID must be the id of an event");
  return id;
}

function readFrom(c: Context): "now" | "recent" {
  return readParameter(c, "from", fromSchema) ?? "now";
}

function patternParameters(c: Context, name: "topic" | "type"): readonly string[] {
  const patterns = c.req.queries(name)?.filter((pattern) => pattern !== "") ?? [];
  if (patterns.length > MAX_PATTERNS) throw new AppError("malformed_topic", `${MAX_PATTERNS} patterns are the most`);
  if (patterns.every(isTopicPattern)) return patterns;
  throw new AppError("malformed_topic", `"${name}" must be a topic pattern such as order.*.42`);
}
